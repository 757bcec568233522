import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';

import { FileMarks } from '../src/storage/file-marks.ts';
import { zeroPages } from './support/damage.ts';
import { keyNames, keysOf, putKeys, restore, statusOf, untilEqual, untilRestored } from './support/keys.ts';
import { ModelRelay } from './support/model-relay.ts';
import { TestDaemon } from './support/test-daemon.ts';

const LIMIT_MS = 60_000;
const config = { 'sync.heartbeatSeconds': 1 };
const joining = (relay: ModelRelay): object => ({ body: { relay: relay.url, token: 'join', name: 'test-node' } });
const as = (agent: string): object => ({ headers: { 'holdfast-agent': agent } });

/** A daemon at a relay that holds the keys `k0` … of each agent. */
async function enrolled(
  directory: string,
  relay: ModelRelay,
  agents: readonly string[],
  keys = 20,
): Promise<TestDaemon> {
  const daemon = await TestDaemon.start({ directory, config });
  for (const agent of agents) {
    await daemon.agent(agent);
    await putKeys(daemon, agent, 'k', keys);
  }
  await daemon.call('POST /v1/node/join', joining(relay));
  for (const agent of agents) await untilEqual(daemon, agent);
  return daemon;
}

function adaIn(place: TemporaryDirectory): string {
  return join(place.file('node'), 'agents', 'ada.db');
}

describe('a restore', { timeout: 2 * LIMIT_MS }, () => {
  test('that finds no process to read the old file with fails and leaves the agent as it was', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    await using daemon = await enrolled(place.file('node'), relay, ['ada']);
    relay.fail('/relay/batch', { kind: 'answer', status: 503 });
    await putKeys(daemon, 'ada', 'late', 50);
    const { execPath } = process;
    process.execPath = place.file('no-such-program');
    const failed = await restore(daemon, 'ada').finally(() => (process.execPath = execPath));
    expect(failed).toMatchObject({ state: 'failed', error: expect.stringContaining('storage-failed') });
    const all = [...keyNames('k', 20), ...keyNames('late', 50)].toSorted();
    expect((await keysOf(daemon, 'ada')).toSorted()).toEqual(all);
    expect(await restore(daemon, 'ada')).toMatchObject({ state: 'done', report: { salvaged: 50, is_complete: true } });
    expect((await keysOf(daemon, 'ada')).toSorted()).toEqual(all);
  });

  test('that waits for its turn takes no writes into the old file, and its stream goes on with the new one', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const agents = ['ada', 'bob', 'cyd'];
    await using daemon = await enrolled(place.file('node'), relay, agents);
    const { promise: until, resolve } = Promise.withResolvers<void>();
    for (const agent of ['ada', 'bob']) relay.fail(`/relay/agents/${agent}/records`, { kind: 'slow', until }, 1);
    for (const agent of agents) await daemon.call(`POST /v1/agents/${agent}/restore`, { body: { from: 'relay' } });
    const refused = await daemon.call('PUT /v1/kv/new', { ...as('cyd'), body: 1 });
    expect(refused.json).toMatchObject({ status: 503, code: 'agent-restoring' });
    resolve();
    for (const agent of agents) expect(await untilRestored(daemon, agent)).toMatchObject({ state: 'done' });
    await putKeys(daemon, 'cyd', 'after', 3);
    for (const agent of agents) await untilEqual(daemon, agent);
    expect((await keysOf(daemon, 'cyd')).toSorted()).toEqual(
      [...keyNames('k', 20), ...keyNames('after', 3)].toSorted(),
    );
  });

  test('whose last step the disk refuses is done once the disk lets it, and is not begun anew over a live file', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    await using daemon = await enrolled(place.file('node'), relay, ['ada']);
    const refusing = vi.spyOn(FileMarks.prototype, 'noteRestored').mockImplementationOnce(() => {
      throw new HoldfastError('disk-full', 'of a test');
    });
    expect(await restore(daemon, 'ada')).toMatchObject({ state: 'done', error: null });
    expect(refusing).toHaveBeenCalledTimes(1);
    await untilEqual(daemon, 'ada');
    expect(refusing).toHaveBeenCalledTimes(2);
    await putKeys(daemon, 'ada', 'after', 5);
    await untilEqual(daemon, 'ada');
    expect(await keysOf(daemon, 'ada')).toHaveLength(25);
    expect(existsSync(`${adaIn(place)}.restoring`)).toBe(false);
  });

  test('counts as lost what went back to an older version, because the relay had been put back too', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const directory = place.file('node');
    const write = (daemon: TestDaemon, n: number): Promise<unknown> => {
      const body = keyNames('k', 500).map((id) => ({
        op: 'put',
        collection: 'kv',
        id,
        doc: { n, fill: 'x'.repeat(300) },
      }));
      return daemon.call('POST /v1/batch', { ...as('ada'), body });
    };
    const first = await enrolled(directory, relay, ['ada'], 0);
    await write(first, 1);
    await untilEqual(first, 'ada');
    const putBack = relay.backup();
    await write(first, 2);
    await untilEqual(first, 'ada');
    await first.stop();
    putBack();
    expect(zeroPages(adaIn(place), 'records', 3)).toBe(3);
    relay.fail('/relay/session', { kind: 'answer', status: 503 });
    await using daemon = await TestDaemon.start({ directory, config });
    const { state, report } = await restore(daemon, 'ada');
    const { json } = await daemon.call('GET /v1/kv?limit=1000', as('ada'));
    const older = (json.entries as { key: string; value: { n: number } }[]).filter(({ value }) => value.n === 1);
    expect(older.length).toBeGreaterThan(0);
    expect(state).toBe('done');
    expect(report.lost_count).toBe(older.length);
    const lost = (report.lost as { id: string }[]).map(({ id }) => id);
    expect(lost.toSorted()).toEqual(older.map(({ key }) => key).toSorted());
  });

  test('takes nothing from a file that is another agent’s, and says that something may be missing', async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const directory = place.file('node');
    const first = await enrolled(directory, relay, ['ada', 'bob']);
    await putKeys(first, 'bob', 'secret', 5);
    await untilEqual(first, 'bob');
    await first.stop();
    copyFileSync(join(directory, 'agents', 'bob.db'), adaIn(place));
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    await using daemon = await TestDaemon.start({ directory, config, log });
    const { state, report } = await restore(daemon, 'ada');
    expect({ state, ...report }).toMatchObject({ state: 'done', records: 20, salvaged: 0, is_complete: false });
    expect(lines.join('')).toContain('the file that was there is not of this agent');
    expect((await keysOf(daemon, 'ada')).toSorted()).toEqual(keyNames('k', 20).toSorted());
    await untilEqual(daemon, 'ada');
    expect(relay.changes('ada').some(({ id }) => id.startsWith('secret'))).toBe(false);
  });
});

test('a node that is taking over another does not become a third one', async () => {
  await using place = await temporaryDirectory();
  await using relay = await ModelRelay.start();
  await using daemon = await TestDaemon.start({ directory: place.file('node'), config });
  relay.fail('/relay/session', { kind: 'answer', status: 503 });
  const adopted = await daemon.call('POST /v1/node/adopt', joining(relay));
  expect(adopted.json).toMatchObject({ code: 'relay-unreachable' });
  const refused = await daemon.call('POST /v1/node/reidentify', { body: { token: 'join', name: 'third' } });
  expect(refused.json).toMatchObject({ status: 409, code: 'work-under-way' });
});

test(
  'a damaged file that was set aside is never written over, whatever is put in its place',
  { timeout: LIMIT_MS },
  async () => {
    await using place = await temporaryDirectory();
    await using relay = await ModelRelay.start();
    const directory = place.file('node');
    const ada = adaIn(place);
    await (await enrolled(directory, relay, ['ada'])).stop();
    const healthy = readFileSync(ada);
    writeFileSync(ada, Buffer.alloc(8192, 'no database '));
    const damaged = readFileSync(ada);
    const start = (): Promise<TestDaemon> => TestDaemon.start({ directory, config });
    const first = await start();
    await eventually(async () => expect(await statusOf(first, 'ada')).toMatchObject({ state: 'damaged' }), {
      limitMs: LIMIT_MS,
    });
    await eventually(() => expect(existsSync(ada)).toBe(false), { limitMs: LIMIT_MS });
    await first.stop();
    const folder = join(directory, 'damaged');
    const [name = ''] = readdirSync(folder);
    const kept = join(folder, name, 'ada.db');
    writeFileSync(ada, healthy, { mode: 0o600 });
    await using daemon = await start();
    expect(await statusOf(daemon, 'ada')).toMatchObject({ state: 'damaged' });
    expect(readFileSync(kept)).toEqual(damaged);
    expect(readFileSync(ada)).toEqual(healthy);
    expect(await restore(daemon, 'ada')).toMatchObject({ state: 'done' });
    await untilEqual(daemon, 'ada');
    expect(readFileSync(kept)).toEqual(damaged);
    const files = readdirSync(folder, { recursive: true }).filter((file) => String(file).includes('ada.db'));
    const contents = files.map((file) => readFileSync(join(folder, String(file))));
    expect(contents.some((bytes) => bytes.equals(healthy))).toBe(true);
  },
);
