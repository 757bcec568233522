import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { connect, connectRelay } from '@holdfast/client';
import { type RunningProcess, startProcess, temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test, vi } from 'vitest';

const main = fileURLToPath(new URL('../../packages/cli/src/main.mjs', import.meta.url));

// The demo takes about 15 s where it is alone; this is for hangs.
const LIMIT_MS = 120_000;

/** Starts the demo with a temporary directory of its own. */
function startDemo(home: TemporaryDirectory, ready: RegExp, ...flags: string[]): Promise<RunningProcess> {
  return startProcess({ args: [main, 'demo', ...flags], ready, environment: { TMPDIR: home.path, NO_COLOR: '1' } });
}

function demoFolder(home: TemporaryDirectory): string {
  const [folder = 'none'] = readdirSync(home.path);
  return home.file(folder);
}

/** What the test reads of the account the demo prints. */
interface Account {
  readonly folder: string;
  readonly running: readonly { readonly pid: number }[];
  readonly relay_outage: Readonly<Record<'writes' | 'outbox_records_before' | 'outbox_records_after', number>>;
  readonly node_kill: Readonly<Record<'unanswered_writes' | 'acknowledged_writes', number>>;
  readonly drain: { readonly records: number };
  readonly comparison: Readonly<Record<'node_records' | 'bytes', number>>;
}

interface Place {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
}

/** A service of the demo, as its data directory describes it. */
function placeOf(directory: string): Place {
  const { pid, url } = JSON.parse(readFileSync(join(directory, 'service.json'), 'utf8')) as Place;
  return { pid, url, token: readFileSync(join(directory, 'admin.token'), 'utf8').trim() };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function stopAll(places: readonly Place[]): Promise<void> {
  for (const { pid } of places) process.kill(pid, 'SIGTERM');
  await vi.waitFor(() => expect(places.filter(({ pid }) => isRunning(pid))).toEqual([]), { timeout: 15_000 });
}

describe.concurrent('the demo', () => {
  test(
    'ends with everything equal, and what it leaves running says the same',
    async ({ expect }) => {
      await using home = await temporaryDirectory();
      await using demo = await startDemo(home, /^\{/, '--json', '--keep');
      expect(await demo.exited).toEqual({ code: 0, signal: null });
      const account = JSON.parse(demo.readyLine) as Account;
      const { relay_outage: outage, node_kill: kill, comparison } = account;
      const relay = placeOf(join(account.folder, 'relay'));
      const nodes = ['workstation', 'laptop'].map((name) => placeOf(join(account.folder, name)));
      const places = [relay, ...nodes];
      try {
        expect(account.running.map(({ pid }) => pid)).toEqual(places.map(({ pid }) => pid));
        expect(account).toMatchObject({
          ok: true,
          visible: { writes: 30 },
          node_kill: { node: 'laptop', lost_records: 0 },
          comparison: { missing_on_relay: 0, missing_on_node: 0, different: 0 },
          ledger: { lost_records: 0 },
          dead_letters: 0,
        });
        expect(kill.unanswered_writes).toBeGreaterThan(0);
        expect(kill.acknowledged_writes).toBeGreaterThan(100);
        expect(outage.writes).toBeGreaterThan(100);
        expect(outage.outbox_records_after).toBeGreaterThan(outage.outbox_records_before);
        expect(account.drain.records).toBeGreaterThanOrEqual(outage.outbox_records_after);
        expect(comparison.bytes).toBeGreaterThan(100 * comparison.node_records);

        await using operator = connectRelay(relay);
        const counted = await operator.aggregate({ aggregate: { groupBy: ['node'], metrics: { n: { count: '*' } } } });
        const onNodes = await Promise.all(nodes.map((node) => recordsOf(node)));
        const sums = onNodes.map(({ records, name }) => ({ node: name, n: records }));
        expect(new Set(counted)).toEqual(new Set(sums));
        const total = sums.reduce((sum, { n }) => sum + n, 0);
        expect(comparison).toMatchObject({ node_records: total, relay_records: total });
      } finally {
        await stopAll(places);
      }
    },
    LIMIT_MS,
  );

  test(
    'notices a single acknowledged write that is gone from both sides',
    async ({ expect }) => {
      await using home = await temporaryDirectory();
      await using demo = await startDemo(home, /writes arrive on the relay/);
      const node = placeOf(join(demoFolder(home), 'workstation'));
      await using thief = connect({ ...node, agent: 'recruiter' });
      expect(await thief.collection('candidates').delete('seen-7')).toBeDefined();
      expect((await demo.exited).code).toBe(1);
      expect(demo.lines().find((line) => line.includes('acknowledged writes looked for'))).toMatch(/✗.* 1 LOST/);
      expect(readdirSync(demoFolder(home))).toEqual(['logs']);
      const evidence = JSON.parse(readFileSync(join(demoFolder(home), 'logs', 'differences.json'), 'utf8'));
      expect(evidence).toEqual({
        lost: ['workstation/recruiter/candidates/seen-7'],
        missingOnRelay: [],
        missingOnNode: [],
        different: [],
      });
    },
    LIMIT_MS,
  );

  test(
    'fails and keeps the logs when a service dies unasked, though nobody reads on',
    async ({ expect }) => {
      await using home = await temporaryDirectory();
      await using demo = await startDemo(home, /agents at work/);
      const [relay, workstation, laptop] = ['relay', 'workstation', 'laptop'].map((name) =>
        placeOf(join(demoFolder(home), name)),
      );
      demo.stopReading();
      process.kill(workstation!.pid, 'SIGKILL');
      expect((await demo.exited).code).toBe(1);
      expect(readdirSync(demoFolder(home))).toEqual(['logs']);
      expect([relay!, laptop!].filter(({ pid }) => isRunning(pid))).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    'stops its processes, removes its folder and says why on ctrl-c',
    async ({ expect }) => {
      await using home = await temporaryDirectory();
      await using demo = await startDemo(home, /agents at work/);
      const places = ['relay', 'workstation', 'laptop'].map((name) => placeOf(join(demoFolder(home), name)));
      expect(places.filter(({ pid }) => isRunning(pid))).toHaveLength(3);
      expect((await demo.kill('SIGINT')).code).toBe(130);
      expect(demo.lines().at(-1)).toBe('The demo was stopped by SIGINT.');
      expect(places.filter(({ pid }) => isRunning(pid))).toEqual([]);
      expect(readdirSync(home.path).filter((name) => name.startsWith('holdfast-demo'))).toEqual([]);
    },
    LIMIT_MS,
  );
});

async function recordsOf(place: Place): Promise<{ readonly name: string | null; readonly records: number }> {
  await using node = connect(place);
  const { node: name, agents } = await node.node.status();
  return { name, records: agents.reduce((sum, { records }) => sum + records, 0) };
}
