import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { connect } from '@holdfast/client';
import type { Json } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { checkBackups } from '../src/doctor/backups.ts';
import { checkDirectory, checkDisk } from '../src/doctor/directory.ts';
import { checkNodeVersion, checkSqlite } from '../src/doctor/machine.ts';
import { checkRelayState } from '../src/doctor/relay.ts';
import { checkLink, checkReady } from '../src/doctor/service.ts';
import type { Finding } from '../src/doctor/check.ts';
import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

const NOON = '2026-11-20T12:00:00.000Z';

const disk = { state: 'ok', free_bytes: 2_000_000_000, reserve_bytes: 64_000_000 } as const;
const scrub = { state: 'waiting', files_done: 1, files_total: 1, last_pass_at: NOON, problems: 0 } as const;
const locks = { held: 0, waiting: 0 };
const relayStatus = { version: '0.1.0', started_at: NOON, epoch: 'e'.repeat(32), put_back: null, disk, scrub, locks };
const nodeStatus = {
  node: 'workstation',
  version: '0.1.0',
  boot: 'b1',
  started_at: NOON,
  relay: { url: null, state: 'off', last_contact_at: null, error: null },
  disk,
  scrub,
  locks,
  agents: [],
};
const agentStatus = {
  agent: 'recruiter',
  state: 'ok',
  error: null,
  records: 1,
  bytes: 4096,
  seq: 1,
  acked_seq: 1,
  outbox: { records: 0, oldest_seconds: null },
  last_ack_at: NOON,
  sync: 'clean',
  sync_error: null,
  digest: 'equal',
  dead_letters: 0,
};

type Replies = Readonly<Record<string, readonly [status: number, body: unknown]>>;

/** A service that gives these answers by path, and 404 to everything else. */
async function answering(replies: Replies): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://service');
    const [status, body] = replies[pathname] ?? [404, {}];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the doctor finds of a node that gives this status. */
async function findingsOf(status: object): Promise<readonly Finding[]> {
  await using server = await answering({ '/v1/node': [200, status] });
  await using holdfast = connect({ url: server.url, token: 't', retries: 0 });
  return await checkLink(holdfast);
}

describe('the doctor', () => {
  test('knows which Node versions will do', () => {
    expect(checkNodeVersion('22.19.0').level).toBe('ok');
    expect(checkNodeVersion('24.0.0').level).toBe('ok');
    expect(checkNodeVersion('22.18.9').level).toBe('fail');
    expect(checkNodeVersion('20.19.0').level).toBe('fail');
  });

  test('finds SQLite durable', () => {
    expect(checkSqlite()).toMatchObject({ level: 'ok', detail: expect.stringContaining('durable') });
  });

  test('finds a data directory that is open to others, and says what to do', async () => {
    await inTemporaryDirectory((directory) => {
      const data = join(directory, 'data');
      expect(checkDirectory(data).level).toBe('warn');
      mkdirSync(data, { mode: 0o700 });
      expect(checkDirectory(data).level).toBe('ok');
      chmodSync(data, 0o750);
      expect(checkDirectory(data)).toMatchObject({ level: 'fail', remedy: `chmod 0700 ${data}` });
      writeFileSync(join(directory, 'file'), '');
      expect(checkDirectory(join(directory, 'file')).level).toBe('fail');
    });
  });

  test('looks at the disk of a directory that is yet to be made', async () => {
    await inTemporaryDirectory((directory) => {
      expect(checkDisk(join(directory, 'a', 'b')).map(({ check }) => check)).toEqual(['disk space', 'file system']);
    });
  });

  test('tells why a service is not ready', async () => {
    const checks = [
      { name: 'database', ok: true },
      { name: 'disk', ok: false },
    ];
    const ask = (report: Json) => checkReady({ ready: async () => ({ ready: false, report }) }, 'holdfast node');
    expect(await ask({ status: 'failed', checks })).toMatchObject({
      isReached: true,
      finding: { level: 'fail', detail: 'answers and is not ready: its disk takes no writes' },
    });
    expect(await ask('no')).toMatchObject({ finding: { detail: 'answers and is not ready: no reason given' } });
  });

  test('goes on with all it can ask when a service is not ready', async () => {
    await using server = await answering({
      '/readyz': [503, { status: 'failed', checks: [{ name: 'disk', ok: false }] }],
      '/relay/status': [200, { ...relayStatus, disk: { ...relayStatus.disk, state: 'low' } }],
      '/relay/backups': [200, { directory: '/b', running: null, last_error: null, next_at: null, backups: [] }],
    });
    const environment = { HOLDFAST_RELAY_TOKEN: 't' };
    const { exitCode, stdout } = await runHoldfast(['doctor', 'relay', '--json', '--url', server.url], { environment });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      relay: expect.arrayContaining([
        expect.objectContaining({ check: 'service', level: 'fail' }),
        expect.objectContaining({ check: 'room', level: 'fail' }),
        expect.objectContaining({ check: 'checking', level: 'ok' }),
        expect.objectContaining({ check: 'backups', level: 'warn' }),
      ]),
    });
  });

  test('tells of damage the relay found in its database, and that it was put back', async () => {
    const scrub = { ...relayStatus.scrub, problems: 2 };
    const found = await checkRelayState({ status: async () => ({ ...relayStatus, scrub, put_back: 'it is behind' }) });
    expect(found).toMatchObject([
      { check: 'room', level: 'ok' },
      { check: 'checking', level: 'fail', detail: '2 problems since the start' },
      { check: 'database', level: 'warn', detail: expect.stringContaining('it is behind') },
    ]);
    expect(await checkRelayState({ status: () => Promise.reject(new Error('no')) })).toMatchObject([{ level: 'warn' }]);
  });

  test.each([
    [{ last_pass_at: null, files_done: 0 }, 'nothing has been checked yet'],
    [{ last_pass_at: null, files_done: 2 }, '2 of 3 checked so far, no problems found'],
    [{ last_pass_at: NOON, files_done: 0 }, 'no problems found'],
  ])('says of the background check no more than it has seen: %j', async (changes, detail) => {
    const scrub = { ...nodeStatus.scrub, files_total: 3, ...changes };
    const found = await findingsOf({ ...nodeStatus, scrub });
    expect(found).toContainEqual(expect.objectContaining({ check: 'checking', level: 'ok', detail }));
  });

  test.each([
    ['cloned', 'stop the copy'],
    ['paused', 'another machine took this node’s place'],
    ['waiting', 'Local work goes on'],
  ])('says what to do about a link that is %s', async (state, remedy) => {
    const relay = { ...nodeStatus.relay, url: 'http://127.0.0.1:9', state, error: 'refused' };
    const found = await findingsOf({ ...nodeStatus, relay });
    expect(found).toContainEqual(
      expect.objectContaining({ check: 'relay', level: 'warn', remedy: expect.stringContaining(remedy) }),
    );
  });

  test.each([
    ['clean', 'equal', 'files'],
    ['sending', 'equal', 'agent recruiter'],
    ['clean', 'unknown', 'agent recruiter'],
  ])('warns of what was noticed of a stream unless it is settled: %s, %s', async (sync, digest, check) => {
    const agent = { ...agentStatus, error: 'this file was put back', sync, digest };
    const found = await findingsOf({ ...nodeStatus, agents: [agent] });
    expect(found[0]).toMatchObject({ check });
  });

  test.each([
    { verified: [], failure: null, found: { level: 'warn', detail: 'none' } },
    { verified: [null], failure: null, found: { level: 'warn', detail: 'none was verified' } },
    { verified: [null, NOON], failure: null, found: { level: 'ok', detail: 'the last verified one is 1' } },
    { verified: [NOON], failure: 'no room', found: { level: 'fail', detail: 'the last one failed: no room' } },
  ])('says of backups: $found.detail', async ({ verified, failure, found }) => {
    const backups = verified.map((verified_at, index) => ({
      id: String(index),
      made_at: NOON,
      files: 1,
      bytes: 1,
      new_bytes: 1,
      missing: [],
      damaged_records: [],
      verified_at,
    }));
    const last_error = failure === null ? null : { at: NOON, detail: failure };
    const list = async () => ({ directory: '/backups', running: null, last_error, next_at: null, backups });
    expect(await checkBackups({ list })).toMatchObject({ check: 'backups', ...found });
  });

  test('ends with 1 when the service does not run, with every finding in its JSON', async () => {
    const { exitCode, stdout } = await runHoldfast(['doctor', 'node', '--json', '--url', 'http://127.0.0.1:9']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      machine: [
        { check: 'Node.js', level: 'ok' },
        { check: 'SQLite', level: 'ok' },
      ],
      node: expect.arrayContaining([
        expect.objectContaining({ check: 'service', level: 'fail', remedy: 'Start it: holdfast node' }),
      ]),
    });
  });
});
