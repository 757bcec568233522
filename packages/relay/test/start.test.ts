import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { relayRoutes } from '@holdfast/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cursorAt, makeChange, START_MS } from '../conformance/material.ts';
import { initRelay, startRelay } from '../src/index.ts';
import { answerOf, codeOf, defaultConfig, edited, listeningLog, TestRelay } from './relay-fixture.ts';

const log = pino({ level: 'silent' });

const HOUR_MS = 3_600_000;

describe('preparing and starting a relay', () => {
  let directory: string;
  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'holdfast-relay-')), 'data');
  });
  afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

  const start = () => startRelay({ config: defaultConfig(), directory, log, version: '0.0.0' });

  it('init makes a private directory, a database and a token for the owner only', () => {
    const { adminTokenFile } = initRelay(directory);
    expect(adminTokenFile).toBe(join(directory, 'admin.token'));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(adminTokenFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(adminTokenFile, 'utf8')).toMatch(/^hf_[0-9a-f]{12}_[0-9a-f]{64}_[0-9a-f]{8}\n$/);
  });

  it('init refuses a directory with a relay in it, and changes nothing there', () => {
    const { adminTokenFile } = initRelay(directory);
    const before = [readFileSync(adminTokenFile), readFileSync(join(directory, 'relay.db'))];
    expect(() => initRelay(directory)).toThrow(expect.objectContaining({ code: 'already-initialised' }));
    expect([readFileSync(adminTokenFile), readFileSync(join(directory, 'relay.db'))]).toEqual(before);
  });

  it('init goes over what an init that was cut short left behind', async () => {
    initRelay(directory);
    rmSync(join(directory, 'relay.db'));
    writeFileSync(join(directory, 'relay.db.new'), 'half a database');
    initRelay(directory);
    const relay = await start();
    await expect(relay.healthy()).resolves.toBe(true);
    await relay.stop();
  });

  it('start needs a prepared directory', async () => {
    await expect(start()).rejects.toMatchObject({ code: 'bad-configuration' });
  });

  it('start refuses a directory that is in use, and leaves no lock behind when it fails', async () => {
    await expect(start()).rejects.toMatchObject({ code: 'bad-configuration' });
    initRelay(directory);
    const first = await start();
    await expect(start()).rejects.toMatchObject({ code: 'directory-locked' });
    await first.stop();
    await (await start()).stop();
  });

  it('service.json tells local tools where the relay is, while it runs', async () => {
    initRelay(directory);
    const relay = await start();
    const file = join(directory, 'service.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      pid: process.pid,
      url: relay.url,
      socket: null,
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    await relay.stop();
    expect(existsSync(file)).toBe(false);
  });

  it('is healthy until it stops', async () => {
    initRelay(directory);
    const relay = await start();
    await expect(relay.healthy()).resolves.toBe(true);
    await relay.stop();
    await expect(relay.healthy()).resolves.toBe(false);
  });
});

describe('a running relay', () => {
  it('is ready, says so in detail, and leaves nothing in its directory for it', async () => {
    await using relay = await new TestRelay().start();
    const { status, json } = await relay.call('GET', '/readyz?verbose');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      checks: [
        { name: 'database', ok: true },
        { name: 'disk', ok: true },
      ],
    });
    expect(existsSync(join(relay.directory, '.probe'))).toBe(false);
  });

  it('answers to its own names only', async () => {
    await using relay = await new TestRelay({ 'listen.hosts': ['Relay.Home:8001'] }).start();
    const { port } = new URL(relay.running.url);
    const status = async (host: string) => (await relay.call('GET', '/livez', { headers: { host } })).status;
    await expect(status(`localhost:${port}`)).resolves.toBe(200);
    await expect(status('relay.home:8001')).resolves.toBe(200);
    await expect(status(`attacker.example:${port}`)).resolves.toBe(403);
  });

  it('counts what it takes', async () => {
    await using relay = await new TestRelay().start();
    const node = await relay.node();
    const poison = edited(makeChange({ seq: 2, doc: {} }).line, { hash: '0'.repeat(32) });
    await node.batch({ lines: [makeChange({ seq: 1, doc: {} }).line, poison] });
    await node.immediate(makeChange({ seq: 1, doc: {} }).line);
    const { text } = await relay.call('GET', '/metrics', { token: relay.adminToken });
    for (const line of [
      'holdfast_relay_changes_total{result="applied"} 1',
      'holdfast_relay_changes_total{result="stale"} 1',
      'holdfast_relay_changes_total{result="rejected"} 1',
      'holdfast_relay_batches_total 1',
      'holdfast_relay_commit_seconds_count 2',
      'holdfast_relay_nodes 1',
      'holdfast_relay_dead_letters 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('sweeps expired records away by itself', async () => {
    await using relay = await new TestRelay({ 'expiry.seconds': 1 }).start();
    const node = await relay.node();
    // For an hour they are kept, unseen, for who follows the feed and is a little behind.
    const expiries = [START_MS + 1 - HOUR_MS, START_MS + 1];
    const changes = expiries.map((expiresAtMs, index) => makeChange({ seq: index + 1, doc: {}, expiresAtMs }));
    await node.batch({ lines: changes.map(({ line }) => line) });
    relay.nowMs += 1;
    const left = async () =>
      answerOf(relayRoutes.collections, await relay.call('GET', '/relay/collections', { token: relay.adminToken }));
    await expect.poll(left, { timeout: 20_000 }).toMatchObject({ collections: [{ name: 'notes', records: 1 }] });
  });

  it('writes no documents, ids or tokens to its log', async () => {
    const { log: noisy, lines } = listeningLog('trace');
    const prepared = new TestRelay();
    await using relay = await prepared.start(noisy);
    const node = await relay.node();
    const secret = { id: 'private-record', doc: { password: 'hunter2' } };
    const poison = edited(makeChange({ seq: 2, ...secret }).line, { hash: '0'.repeat(32) });
    await node.batch({ lines: [makeChange({ seq: 1, ...secret }).line, poison] });
    await node.batch({ lines: ['{"seq":1,"doc":"hunter2'], header: { base: cursorAt(2), upto: cursorAt(3) } });
    expect(
      codeOf(
        await relay.call('POST', '/relay/query', {
          token: node.credential,
          body: { where: { x: 'hunter2', 'a"': 1 } },
        }),
      ),
    ).toBe('invalid-request');
    const logged = lines.join('');
    expect(logged).toContain('changes became dead letters');
    for (const word of ['hunter2', 'private-record', node.credential, relay.adminToken])
      expect(logged).not.toContain(word);
  });
});
