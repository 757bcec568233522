import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@holdfast/client';
import type { Backups } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { eventually, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { expectConserved } from '../harness/conservation.ts';
import { type Entry, Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { type Network, startNetwork } from '../harness/network.ts';
import type { Service } from '../harness/service.ts';
import { readAgents, type Records } from '../harness/stored.ts';

const LIMIT_MS = 180_000;
const SOON_MS = 60_000;

/** A lease so short that a node put back need not wait for its predecessor's to run out. */
const plan = { nodes: { workstation: ['ada', 'bob'] }, relayFlags: ['--lease-seconds', '1'] } as const;

interface Answered {
  readonly verified_at: string | null;
  readonly id: string;
}

/** Takes a backup of a service, as a person would. */
function backUp({ home }: Network, service: Service, flags: readonly string[] = []): Promise<Answered> {
  return askHoldfast<Answered>(home, ['backup', ...flags, ...service.place]);
}

/** Stops a service, puts its data back to its newest backup, and starts it again. */
async function putBack({ home }: Network, service: Service, kind: 'node' | 'relay'): Promise<void> {
  await service.end('SIGTERM');
  expect(await askHoldfast(home, ['restore', kind, ...service.place])).toMatchObject({ missing: [] });
  await service.start();
}

/** Has all agents write, until so many writes were acknowledged. */
async function work(network: Network, ledger: Ledger, writes: number): Promise<void> {
  const lanePrefix = `after-${ledger.acknowledgedWrites}-`;
  using load = new Load({ agents: network.agents, ledger, seed: testSeed(), lanePrefix, restMs: 2 });
  await load.during(ledger.moreAcknowledged(writes));
  await load.finish();
}

/** What of a restored node contradicts what was known before the backup began, and what is known now. */
function contradictions(
  records: Records,
  before: ReadonlyMap<string, Entry>,
  now: ReadonlyMap<string, Entry>,
): string[] {
  const lost = [...before].filter(([key, { acked }]) => {
    const stored = records.get(key);
    if (acked === undefined) return false;
    // What is not there any more was deleted after that, by somebody who was answered or not.
    if (stored === undefined) return now.get(key)?.acked?.version === acked.version && acked.text !== null;
    return stored.version < acked.version;
  });
  const wrong = [...records].filter(([key, { version, doc }]) => {
    const acked = now.get(key)?.acked;
    return version === acked?.version && doc !== acked.text;
  });
  return [...lost.map(([key]) => `not in the backup: ${key}`), ...wrong.map(([key]) => `not as written: ${key}`)];
}

describe('a backup taken while agents write', () => {
  test('has every write acknowledged before it began, exactly', { timeout: LIMIT_MS }, async () => {
    // More agents than files held open: the file that is copied must not be the one that is closed for another.
    const nodes = { workstation: ['ada', 'bob', 'carol', 'dan', 'eve', 'fay'] };
    await using network = await startNetwork({ ...plan, nodes, nodeFlags: ['--files-open', '4'] });
    const { service } = network.node('workstation');
    const ledger = new Ledger();
    using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 1 });
    await load.during(ledger.moreAcknowledged(300));
    const before = ledger.entries;
    const writesBefore = ledger.acknowledgedWrites;
    const { admin } = network.node('workstation');
    await load.during(admin.backups.start());
    const until = (check: (backups: Backups) => boolean): Promise<void> =>
      eventually(async () => assert.ok(check(await admin.backups.list())), { limitMs: LIMIT_MS, everyMs: 50 });
    await load.during(until(({ running }) => running?.phase !== 'copying'));
    // Writing went on under it.
    expect(ledger.acknowledgedWrites).toBeGreaterThan(writesBefore);
    await load.finish();
    await until(({ running }) => running === null);
    expect((await admin.backups.list()).backups).toMatchObject([{ verified_at: expect.any(String) }]);
    await expectConserved(network, ledger);

    // Without its relay the restored node shows what was in the backup and nothing else.
    await network.relay.end('SIGTERM');
    await putBack(network, service, 'node');
    const restored = await readAgents(network.agents);
    expect(restored.size).toBeGreaterThan(0);
    expect(contradictions(restored, before, ledger.entries)).toEqual([]);
  });
});

describe('an old backup put back', () => {
  test('of a node: it and the relay agree again, and nothing either had is lost', { timeout: LIMIT_MS }, async () => {
    await using network = await startNetwork(plan);
    const ledger = new Ledger();
    await work(network, ledger, 200);
    await backUp(network, network.node('workstation').service);
    await work(network, ledger, 200);
    await expectConserved(network, ledger);
    await putBack(network, network.node('workstation').service, 'node');
    await network.untilLink('workstation', 'open');
    await eventually(() => expectConserved(network, ledger), { limitMs: SOON_MS, everyMs: 200 });
    await work(network, ledger, 100);
    await expectConserved(network, ledger);
  });

  test('of a relay: it has a new epoch and gets everything again', { timeout: LIMIT_MS }, async () => {
    await using network = await startNetwork(plan);
    const epoch = (): string => readFileSync(join(network.relay.directory, 'relay.epoch'), 'utf8');
    const ledger = new Ledger();
    await work(network, ledger, 200);
    await backUp(network, network.relay, ['--relay']);
    await work(network, ledger, 200);
    await expectConserved(network, ledger);
    const epochBefore = epoch();
    await putBack(network, network.relay, 'relay');
    expect(epoch()).not.toBe(epochBefore);
    await eventually(() => expectConserved(network, ledger), { limitMs: SOON_MS, everyMs: 200 });
    await work(network, ledger, 100);
    await expectConserved(network, ledger);
  });
});

describe('a backup without an agent whose file is damaged', () => {
  test('is verified, and the command, the list and the exit code tell', { timeout: LIMIT_MS }, async () => {
    await using network = await startNetwork({ ...plan, nodes: { workstation: ['ada', 'bob', 'carol', 'dan'] } });
    const { home } = network;
    const { admin, service } = network.node('workstation');
    await work(network, new Ledger(), 50);
    const restoring = ['restore', '--agent', 'ada', '--from', 'backup', ...service.place, '--json'];
    const { error } = JSON.parse((await runHoldfast(home, restoring)).stderr) as { error: { code: string } };
    expect(error.code).toBe('backup-not-found');
    await service.end('SIGTERM');
    const database = openDatabase(join(service.directory, 'agents', 'ada.db'));
    expect(database.prepare('UPDATE records SET updated_at = updated_at + 1').run().changes).toBeGreaterThan(0);
    database.close();
    await service.start();
    const { exitCode, stdout } = await runHoldfast(home, ['backup', ...service.place]);
    expect(stdout).toMatch(/verified\n.*\n {2}agent ada is not in it: file-damaged$/m);
    expect(exitCode).toBe(3);
    const [told] = (await askHoldfast<Backups>(home, ['backup', 'list', ...service.place])).backups;
    expect(told).toMatchObject({ missing: [{ agent: 'ada', reason: 'file-damaged' }] });
    await admin.backups.start();
    const listed = (await runHoldfast(home, ['backup', 'list', ...service.place])).stdout;
    expect(listed).toMatch(/ing one now: \d of /);
    expect(listed).toContain('ada (file-damaged)');
  });
});

describe('backups of a running node', () => {
  test('are made one at a time, and one that is killed in the middle harms nobody', { timeout: LIMIT_MS }, async () => {
    await using network = await startNetwork(plan);
    const { admin, service } = network.node('workstation');
    await work(network, new Ledger(), 50);
    await admin.backups.start();
    await expect(admin.backups.start()).rejects.toMatchObject({ code: 'work-under-way', status: 409 });
    await service.end('SIGKILL');
    await service.start();
    const { backups, running } = await admin.backups.list();
    expect([running, backups.filter(({ verified_at }) => verified_at !== null)]).toEqual([null, []]);
    expect((await backUp(network, service)).verified_at).not.toBeNull();
  });

  test('are made on schedule, also one that was missed', { timeout: LIMIT_MS }, async () => {
    await using network = await startNetwork({ ...plan, nodeFlags: ['--backup-hours', '1', '--backup-keep', '2'] });
    const { admin, service } = network.node('workstation');
    const made = await eventually(
      async () => {
        const { backups, running, next_at: nextAt } = await admin.backups.list();
        assert.ok(running === null && backups[0]?.verified_at);
        return { nextAt, madeAt: backups[0].made_at };
      },
      { limitMs: SOON_MS },
    );
    expect(Date.parse(made.nextAt ?? '')).toBeGreaterThan(Date.parse(made.madeAt) + 3_500_000);
    const metrics = await fetch(`${service.url}/metrics`, {
      headers: { authorization: `Bearer ${service.adminToken}` },
    });
    expect(await metrics.text()).toMatch(/^holdfast_backup_last_success_seconds [1-9]/m);
  });

  test('that fail are told: log, metric, list and exit code', { timeout: LIMIT_MS }, async () => {
    await using home = await temporaryDirectory();
    writeFileSync(home.file('file'), 'no directory');
    const nowhere = home.file('file/backups');
    await using network = await startNetwork({ ...plan, nodeFlags: ['--backup-directory', nowhere] });
    const { service } = network.node('workstation');
    await using admin = connect({ url: service.url, token: service.adminToken });
    await expect(backUp(network, service)).rejects.toThrow(/directory-unsafe|cannot be made|was not made/);
    expect((await admin.backups.list()).last_error?.detail).toContain(nowhere);
    expect(service.log().some(({ msg, level }) => msg === 'a backup failed' && level === 50)).toBe(true);
    const metrics = await fetch(`${service.url}/metrics`, {
      headers: { authorization: `Bearer ${service.adminToken}` },
    });
    expect(await metrics.text()).toMatch(/^holdfast_backup_failures_total 1$/m);
  });
});
