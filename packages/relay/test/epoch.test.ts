import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { relayRoutes } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cursorAt } from '../conformance/material.ts';
import { answerOf, changeLines, codeOf, listeningLog, type TestNode, TestRelay } from './relay-fixture.ts';

describe('the epoch of a relay', () => {
  let relay: TestRelay;
  let node: TestNode;
  let file: string;
  let database: string;
  beforeEach(async () => {
    relay = await new TestRelay().start();
    node = await relay.node();
    file = join(relay.directory, 'relay.epoch');
    database = join(relay.directory, 'relay.db');
  });
  afterEach(() => relay[Symbol.asyncDispose]());

  const epoch = async (): Promise<string> => answerOf(relayRoutes.session, await node.session()).epoch;
  const noted = (): unknown => JSON.parse(readFileSync(file, 'utf8'));
  /** Stops the relay, does something to its directory, and starts it. Resolves with what it warned of. */
  const whileStopped = async (change: () => void): Promise<readonly unknown[]> => {
    await relay.running.stop();
    change();
    const { log, lines } = listeningLog('warn');
    await relay.start(log);
    return lines.map((line) => JSON.parse(line) as unknown);
  };
  const putBack = async (): Promise<string | null> =>
    answerOf(relayRoutes.status, await relay.call('GET', '/relay/status', { token: relay.adminToken })).put_back;
  const metric = async (name: string): Promise<string | undefined> => {
    const { text } = await relay.call('GET', '/metrics', { token: relay.adminToken });
    return text.split('\n').find((line) => line.startsWith(`${name} `));
  };

  it('stands beside the database for its owner only, and outlives a restart', async () => {
    const before = await epoch();
    await node.batch({ lines: changeLines(3) });
    await expect(whileStopped(() => expect(noted()).toEqual({ epoch: before, position: 3 }))).resolves.toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await epoch()).toBe(before);
  });

  it('follows the database while the relay runs', async () => {
    const before = await epoch();
    await node.batch({ lines: changeLines(3) });
    await expect.poll(noted, { timeout: 20_000 }).toEqual({ epoch: before, position: 3 });
  });

  it('is a new one once an older copy of the database was put back, and that is said', async () => {
    const copy = join(relay.directory, 'older.db');
    await node.batch({ lines: changeLines(3) });
    await whileStopped(() => copyFileSync(database, copy));
    const before = await epoch();
    await node.batch({ header: { base: cursorAt(3) }, lines: changeLines(2, 4) });
    const said = await whileStopped(() => copyFileSync(copy, database));
    expect(said).toMatchObject([{ reason: 'the database is behind relay.epoch' }]);
    expect(await epoch()).not.toBe(before);
    expect(await metric('holdfast_relay_epochs_total')).toBe('holdfast_relay_epochs_total 1');
    expect(await putBack()).toBe('the database is behind relay.epoch');
    const after = await epoch();
    await expect(whileStopped(() => undefined)).resolves.toEqual([]);
    expect(await epoch()).toBe(after);
    expect(await putBack()).toBeNull();
  });

  it.each([
    ['another epoch', JSON.stringify({ epoch: 'e'.repeat(32), position: 0 })],
    ['nothing that can be understood', '{"epoch":'],
    ['something else', '{}'],
  ])('is a new one when the side file says %s', async (_, text) => {
    const before = await epoch();
    const said = await whileStopped(() => writeFileSync(file, text));
    expect(said).toMatchObject([{ reason: 'relay.epoch names another epoch' }]);
    expect(await epoch()).not.toBe(before);
  });

  it('is a new one when a database with something in it comes without the side file', async () => {
    await node.batch({ lines: changeLines(1) });
    const before = await epoch();
    await expect(whileStopped(() => rmSync(file))).resolves.toMatchObject([{ reason: 'there is no relay.epoch' }]);
    expect(await epoch()).not.toBe(before);
  });

  it('stays when nothing was taken yet and the side file is missing', async () => {
    const before = await epoch();
    await expect(whileStopped(() => rmSync(file))).resolves.toEqual([]);
    expect(await epoch()).toBe(before);
  });
});

describe('a node that knows of more than the relay', () => {
  it('is counted each time, and said once a minute', async () => {
    const { log, lines } = listeningLog('warn');
    await using relay = await new TestRelay().start(log);
    const node = await relay.node();
    const ahead = () => node.batch({ header: { base: cursorAt(5) }, lines: changeLines(1, 6) });
    expect(codeOf(await ahead())).toBe('cursor-mismatch');
    await ahead();
    expect(lines.filter((line) => line.includes('put back'))).toHaveLength(1);
    relay.nowMs += 60_000;
    await ahead();
    expect(lines.filter((line) => line.includes('put back'))).toHaveLength(2);
    const { text } = await relay.call('GET', '/metrics', { token: relay.adminToken });
    expect(text.split('\n')).toContain('holdfast_relay_behind_total 3');
  });

  it('is not meant by one that is behind', async () => {
    const { log, lines } = listeningLog('warn');
    await using relay = await new TestRelay().start(log);
    const node = await relay.node();
    await node.batch({ lines: changeLines(3) });
    expect(codeOf(await node.batch({ lines: changeLines(3) }))).toBe('cursor-mismatch');
    expect(lines.filter((line) => line.includes('put back'))).toEqual([]);
  });
});
