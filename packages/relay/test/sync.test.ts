import { connect } from 'node:net';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

import { limits, relayRoutes, startOfBoot } from '@holdfast/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { BOOT, cursorAt, INCARNATION, makeChange, START_MS, versionOf } from '../conformance/material.ts';
import { answerOf, batchText, changeLines, codeOf, edited, pageOf, type TestNode, TestRelay } from './relay-fixture.ts';

const NEXT = '1'.repeat(32);

describe('the relay takes what nodes send', () => {
  let relay: TestRelay;
  let node: TestNode;
  let nodes = 0;
  beforeAll(async () => {
    relay = await new TestRelay().start();
  });
  beforeEach(async () => {
    relay.nowMs = START_MS;
    nodes += 1;
    node = await relay.node(`node-${nodes}`);
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  const records = async () =>
    pageOf(await relay.call('POST', '/relay/query', { token: node.credential, body: { limit: 1000 } })).records;

  describe('sessions', () => {
    it('answer with the node, the lease, the clock and the streams', async () => {
      await node.batch({ lines: changeLines(2) });
      const { status, json } = await node.session();
      expect(status).toBe(200);
      expect(json).toEqual({
        node: `node-${nodes}`,
        epoch: expect.stringMatching(/^[0-9a-f]{32}$/),
        leaseSeconds: 60,
        nowMs: START_MS,
        streams: [
          {
            agent: 'recruiter',
            incarnation: INCARNATION,
            cursor: cursorAt(2),
            digest: expect.stringMatching(/^[0-9a-f]{16}$/),
          },
        ],
      });
    });

    it('refuse a clone while the current start lives, and let it in when the lease is over', async () => {
      expect(codeOf(await node.session(NEXT))).toBe('node-cloned');
      expect(codeOf(await node.batch({ header: { boot: NEXT }, lines: changeLines(1) }))).toBe('node-cloned');
      expect(codeOf(await node.immediate(changeLines(1)[0], NEXT))).toBe('node-cloned');
      relay.nowMs += 60_001;
      expect((await node.session(NEXT)).status).toBe(200);
      expect(codeOf(await node.session(BOOT))).toBe('node-cloned');
      expect(codeOf(await node.batch({ lines: changeLines(1) }))).toBe('node-cloned');
    });

    it('pass from a start to its successor at once', async () => {
      expect((await node.session(NEXT, [BOOT])).status).toBe(200);
      expect((await node.batch({ header: { boot: NEXT }, lines: changeLines(1) })).status).toBe(200);
    });
  });

  describe('batches', () => {
    it('are acknowledged with the new cursor and stored byte by byte', async () => {
      const doc = { text: 'Zoë said "hi"\n\u2028 \u{1F600}', big: 1e21, nested: [[{ '': null }]], n: -0.5 };
      const line = makeChange({ seq: 1, id: 'a/b c', resource: 'app:user_1', doc }).line;
      const reply = await node.batch({ lines: [line] });
      expect(reply).toMatchObject({ status: 200, json: { cursor: cursorAt(1), rejects: [] } });
      expect(await records()).toMatchObject([{ id: 'a/b c', doc, version: versionOf(1) }]);
    });

    it.each([
      ['zstd', (text: string) => zstdCompressSync(text)],
      ['gzip', (text: string) => gzipSync(text)],
    ])('come compressed with %s', async (encoding, compress) => {
      const reply = await node.send(compress(batchText({ lines: changeLines(1000) })), {
        'content-encoding': encoding,
      });
      expect(reply).toMatchObject({ status: 200, json: { cursor: cursorAt(1000), rejects: [] } });
      expect(await records()).toHaveLength(1000);
    });

    it('sent twice are refused with the cursor the second time', async () => {
      const lines = changeLines(3);
      await node.batch({ lines });
      expect(await node.batch({ lines })).toMatchObject({
        status: 409,
        json: { code: 'cursor-mismatch', cursor: cursorAt(3) },
      });
    });

    it('from ahead are refused with the cursor', async () => {
      const reply = await node.batch({ header: { base: cursorAt(5) }, lines: changeLines(1, 6) });
      expect(reply).toMatchObject({ status: 409, json: { code: 'cursor-mismatch', cursor: cursorAt(0) } });
    });

    it.each<[string, object, string[]]>([
      ['descending seqs', {}, [changeLines(1, 2), changeLines(1, 1)].flat()],
      ['a seq twice', {}, [changeLines(1, 1), changeLines(1, 1)].flat()],
      ['a seq not above base', { base: cursorAt(1) }, changeLines(1, 1)],
      ['upto above the last change', { upto: cursorAt(9) }, changeLines(2)],
      ['upto below the last change', { upto: cursorAt(1) }, changeLines(2)],
      ['upto with another version', { upto: cursorAt(2, 5) }, changeLines(2)],
      ['upto below base', { base: cursorAt(3), upto: cursorAt(2) }, []],
      ['a moved version on the same seq', { base: cursorAt(3), upto: cursorAt(3, 4) }, []],
      ['more changes than counted', { count: 1 }, changeLines(2)],
      ['a change without a seq', { upto: cursorAt(1) }, ['{"id":"x"}']],
      ['a change that is no object', { upto: cursorAt(1) }, ['[1]']],
      ['an agent name that cannot be', { agent: '../x' }, changeLines(1)],
      ['a count over the limit', { count: limits.syncBatchChanges + 1 }, changeLines(1)],
    ])('with %s are refused whole', async (_, header, lines) => {
      const upto = lines.length === 0 ? {} : { upto: cursorAt(lines.length === 2 ? 2 : 1) };
      const reply = await node.batch({ header: { ...upto, ...header }, lines });
      expect([reply.status, codeOf(reply)]).toEqual([422, 'invalid-request']);
      expect(await records()).toEqual([]);
      expect(await node.cursor()).toBeUndefined();
    });

    it('without a header are refused', async () => {
      expect(codeOf(await node.send('\n'))).toBe('invalid-request');
    });

    it('with a line that is not JSON are refused whole, without quoting it', async () => {
      const lines = [...changeLines(2), '{"secret": oops'];
      const reply = await node.batch({ header: { upto: cursorAt(3) }, lines });
      expect([reply.status, codeOf(reply)]).toEqual([400, 'bad-json']);
      expect(JSON.stringify(reply.json)).not.toContain('secret');
      expect(await records()).toEqual([]);
    });

    it('that end before all changes came are refused whole', async () => {
      const reply = await node.batch({ header: { count: 5, upto: cursorAt(5) }, lines: changeLines(3) });
      expect([reply.status, codeOf(reply)]).toEqual([400, 'body-incomplete']);
      expect(await records()).toEqual([]);
    });

    it('cut off in the middle leave nothing', async () => {
      const text = batchText({ lines: changeLines(500) });
      const { hostname, port } = new URL(relay.running.url);
      const socket = connect(Number(port), hostname);
      const closed = new Promise((resolve) => socket.on('close', resolve));
      const head = [
        'POST /relay/batch HTTP/1.1',
        `Host: ${hostname}:${port}`,
        `Authorization: Bearer ${node.credential}`,
        'Holdfast-Protocol: 1',
        'Content-Type: application/x-ndjson',
        `Content-Length: ${Buffer.byteLength(text)}`,
      ];
      await new Promise<void>((resolve) => {
        socket.write(`${head.join('\r\n')}\r\n\r\n${text.slice(0, text.length >> 1)}`, () => resolve());
      });
      socket.destroy();
      await closed;
      expect(await records()).toEqual([]);
      expect((await node.send(text)).status).toBe(200);
    });

    it('cut off in the middle of their compression are refused whole', async () => {
      const whole = zstdCompressSync(batchText({ lines: changeLines(500) }));
      const reply = await node.send(whole.subarray(0, whole.length >> 1), { 'content-encoding': 'zstd' });
      expect(reply.status).toBe(400);
      expect(await records()).toEqual([]);
    });

    it('over the size limit are refused, for the node to send less', async () => {
      const doc = { text: 'x'.repeat(1_000_000) };
      const lines = [1, 2, 3, 4, 5, 6].map((seq) => makeChange({ seq, doc }).line);
      const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
      const reply = await node.send(zstdCompressSync(batchText({ lines }), level), { 'content-encoding': 'zstd' });
      expect([reply.status, codeOf(reply)]).toEqual([413, 'body-too-large']);
      expect((await node.batch({ lines: lines.slice(0, 4) })).status).toBe(200);
    });

    it('of one record of a full mebibyte are taken', async () => {
      const text = 'é'.repeat((limits.recordBytes - 11) / 2);
      const { line, row } = makeChange({ seq: 1, doc: { text } });
      expect(Buffer.byteLength(row.doc ?? '')).toBeLessThanOrEqual(limits.recordBytes);
      expect(await node.batch({ lines: [line] })).toMatchObject({ status: 200, json: { rejects: [] } });
    });

    it('take a tombstone and a record that comes back', async () => {
      const lines = [{ doc: { v: 1 } }, {}, { doc: { v: 2 } }].map(
        (part, index) => makeChange({ seq: index + 1, id: 'x', ...part }).line,
      );
      await node.batch({ lines });
      expect(await records()).toMatchObject([{ id: 'x', doc: { v: 2 } }]);
    });

    it('keep poison as dead letters and take everything else', async () => {
      const sound = makeChange({ seq: 1, doc: { a: 1 } });
      const edit = (seq: number, members: object): string => edited(makeChange({ seq, doc: { a: seq } }).line, members);
      const lines = [
        sound.line,
        edit(2, { hash: '0'.repeat(32) }),
        edit(3, { doc: { a: 'changed on the way' } }),
        edit(4, { collection: 'Not A Name' }),
        makeChange({ seq: 5, doc: { nul: 'a\0b' } }).line,
        makeChange({ seq: 6, doc: { lone: '\ud800' } }).line,
        makeChange({ seq: 7, doc: JSON.parse(`${'['.repeat(65)}${']'.repeat(65)}`) }).line,
        edit(8, { doc: undefined }),
        edit(9, { createdAtMs: Number.MAX_SAFE_INTEGER }),
        makeChange({ seq: 10, doc: { last: true } }).line,
      ];
      const reply = await node.batch({ lines });
      expect(reply.status).toBe(200);
      const receipt = answerOf(relayRoutes.batch, reply);
      expect(receipt.cursor).toEqual(cursorAt(10));
      expect(receipt.rejects.map(({ seq, code }) => [seq, code])).toEqual([
        [2, 'invalid-request'],
        [3, 'invalid-request'],
        [4, 'invalid-request'],
        [5, 'unsafe-document'],
        [6, 'unsafe-document'],
        [7, 'unsafe-document'],
        [8, 'invalid-request'],
        [9, 'invalid-request'],
      ]);
      expect((await records()).map(({ doc }) => doc)).toEqual([{ a: 1 }, { last: true }]);
    });

    it('may end in a change whose version cannot be read', async () => {
      const line = edited(changeLines(1)[0] ?? '', { version: 'soon' });
      const reply = await node.batch({ header: { upto: cursorAt(1) }, lines: [line] });
      expect(reply).toMatchObject({ status: 200, json: { cursor: cursorAt(1), rejects: [{ seq: 1 }] } });
    });

    it('without changes move the cursor', async () => {
      expect(await node.batch({ header: { upto: cursorAt(4) }, lines: [] })).toMatchObject({ status: 200 });
      expect(await node.cursor()).toEqual(cursorAt(4));
    });

    it('are all there after a restart, and the stream goes on', async () => {
      await node.batch({ lines: changeLines(3) });
      const { epoch } = answerOf(relayRoutes.session, await node.session());
      await relay.restart();
      expect((await node.session()).json).toMatchObject({ epoch, streams: [{ cursor: cursorAt(3) }] });
      expect(await records()).toHaveLength(3);
      expect((await node.batch({ header: { base: cursorAt(3) }, lines: changeLines(1, 4) })).status).toBe(200);
    });
  });

  describe('single changes', () => {
    it('are there when answered, and the cursor stays', async () => {
      const reply = await node.immediate(changeLines(1, 3)[0]);
      expect(reply).toMatchObject({ status: 200, json: { rejects: [] } });
      expect(await records()).toHaveLength(1);
      expect(await node.cursor()).toEqual(cursorAt(0));
    });

    it('with a hash that does not fit are rejected', async () => {
      const reply = await node.immediate(edited(changeLines(1)[0] ?? '', { hash: 'f'.repeat(32) }));
      expect(reply).toMatchObject({ status: 200, json: { rejects: [{ seq: 1, code: 'invalid-request' }] } });
      expect(await records()).toEqual([]);
    });
  });

  it('gives a stream back as it took it', async () => {
    const lines = [makeChange({ seq: 1, id: 'x', doc: { v: 1 } }).line, makeChange({ seq: 2, id: 'y' }).line];
    await node.batch({ lines });
    const path = `/relay/streams/recruiter?incarnation=${INCARNATION}&after=`;
    const whole = await relay.call('GET', `${path}0`, { token: node.credential });
    expect(whole.json).toEqual({
      cursor: cursorAt(2),
      starts: [{ start: startOfBoot(BOOT), parent: null }],
      changes: lines.map((line) => JSON.parse(line) as unknown),
      more: false,
    });
    const rest = await relay.call('GET', `${path}1`, { token: node.credential });
    expect(answerOf(relayRoutes.stream, rest).changes).toHaveLength(1);
    const other = await relay.node(`other-of-${nodes}`);
    expect((await relay.call('GET', `${path}0`, { token: other.credential })).json).toMatchObject({ changes: [] });
  });

  it.each([undefined, '0', '4', '1.0', 'one'])('wants a wire version it speaks, and not %s', async (version) => {
    const headers = { 'holdfast-protocol': version };
    const calls = [
      relay.call('POST', '/relay/session', { token: node.credential, body: { boot: BOOT, predecessors: [] }, headers }),
      node.send(batchText({ lines: changeLines(1) }), headers),
      relay.call('GET', `/relay/streams/x?incarnation=${INCARNATION}&after=0`, { token: node.credential, headers }),
      relay.call('GET', '/relay/agents/x/digest', { token: node.credential, headers }),
      relay.call('GET', '/relay/agents/x/records', { token: node.credential, headers }),
      relay.call('POST', '/relay/join', { token: await relay.invite('den'), body: { node: 'den' }, headers }),
    ];
    for (const reply of await Promise.all(calls)) {
      expect(reply).toMatchObject({ status: 426, json: { code: 'protocol-unsupported', supported: [1, 2, 3] } });
    }
  });

  it('names the wire version as the fault even if the body makes no sense here', async () => {
    const headers = { 'holdfast-protocol': '4' };
    const reply = await relay.call('POST', '/relay/session', { token: node.credential, body: { v3: true }, headers });
    expect(codeOf(reply)).toBe('protocol-unsupported');
  });
});
