import assert from 'node:assert/strict';

import { connect, type Holdfast, HoldfastProblem, TaskHopeless } from '@holdfast/client';
import type { ReceivedLetter } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { askHoldfast } from '../harness/command.ts';
import { startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;
const PLAN = { nodes: { office: ['commander'], laptop: ['screening', 'analytics'] } } as const;

/** Letters nobody has read yet. */
async function unread({ mail }: Holdfast): Promise<ReceivedLetter[]> {
  const letters: ReceivedLetter[] = [];
  for await (const letter of mail.inbox({ status: 'unread' })) letters.push(letter);
  return letters;
}

/** Waits until a task of the commander stands so. */
async function untilStatus(commander: Holdfast, id: string, status: string): Promise<void> {
  const task = async (): Promise<unknown> => (await commander.collection('tasks').get(id))?.doc.status;
  await eventually(async () => assert.equal(await task(), status), { limitMs: 60_000 });
}

test(
  'workers of another node do tasks through the relay, each once, and letters and answers find their way',
  async () => {
    await using network = await startNetwork(PLAN);
    const commander = network.agent('commander').client;
    const screening = network.agent('screening').client;
    for (let task = 0; task < 20; task += 1) {
      const workers = ['screening@laptop'];
      await commander.tasks.add({ type: 'screen', payload: { candidate: task }, workers });
    }
    const done: unknown[] = [];
    const ended = new AbortController();
    const working = screening.tasks.work(
      async ({ payload }) => {
        done.push((payload as { candidate: number }).candidate);
        if (done.length === 20) ended.abort();
        return { seen: true };
      },
      { from: 'commander@office', concurrency: 4, idleSeconds: 0.05, signal: ended.signal },
    );
    await working;
    expect(done.map(Number).toSorted((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    const completed = { where: { status: 'completed', worker: 'screening@laptop' } };
    expect((await commander.collection('tasks').query(completed)).records).toHaveLength(20);

    await commander.mail.send({ to: 'screening@laptop', subject: 'Thanks', body: { done: 20 } });
    const letters = await eventually(
      async () => {
        const found = await unread(screening);
        assert.equal(found.length, 1);
        return found;
      },
      { limitMs: 60_000 },
    );
    expect(letters).toMatchObject([{ from: 'commander@office', subject: 'Thanks', body: { done: 20 } }]);
    await screening.mail.read(letters[0]?.id ?? '');
    expect(await unread(screening)).toEqual([]);
  },
  LIMIT_MS,
);

test(
  'an agent that a task does not name gets none of another node, and without the relay each node claims of its own',
  async () => {
    await using network = await startNetwork(PLAN);
    const commander = network.agent('commander').client;
    const { client: analytics } = network.agent('analytics');
    await commander.tasks.add({ type: 'report', workers: ['screening@laptop', '*'] });
    expect(await analytics.tasks.claim({ from: 'commander@office' })).toBeUndefined();
    await network.relay.end('SIGKILL');
    await network.untilLink('laptop', 'waiting');
    const away = await analytics.tasks.claim({ from: 'commander@office' }).catch((error: unknown) => error);
    expect(away).toBeInstanceOf(HoldfastProblem);
    expect(away).toMatchObject({ code: 'relay-unreachable', status: 503 });
    expect(await commander.tasks.claim()).toMatchObject({ type: 'report', from: 'commander' });
    await analytics.tasks.add({ type: 'own' });
    expect(await analytics.tasks.claim()).toMatchObject({ type: 'own' });
  },
  LIMIT_MS,
);

test(
  'a worker that is killed gives its task back, and one that fails is tried again until it is hopeless',
  async () => {
    await using network = await startNetwork({ nodes: { office: ['commander', 'screening'] } });
    const commander = network.agent('commander').client;
    const screening = network.agent('screening').client;
    const { id } = await commander.tasks.add({ type: 'screen', workers: ['screening'], retry_seconds: 0 });
    const { service } = network.node('office');
    const claim = ['task', 'claim', '--from', 'commander', '--lease-seconds', '5', ...service.place];
    // The command ends and never says a word of its task again, like a worker that was killed.
    const taken = await askHoldfast<{ task: { id: string } }>(network.home, [...claim, '--agent', 'screening']);
    expect(taken.task.id).toBe(id);
    const ended = new AbortController();
    const tries: number[] = [];
    const working = screening.tasks.work(
      async ({ retries }) => {
        tries.push(retries);
        throw tries.length < 2 ? new Error('not yet') : new TaskHopeless('never');
      },
      { from: 'commander', idleSeconds: 0.1, signal: ended.signal },
    );
    await untilStatus(commander, id, 'failed');
    ended.abort();
    await working;
    expect(tries).toEqual([1, 2]);
    expect((await commander.collection('tasks').get(id))?.doc).toMatchObject({ error: 'never', retries: 3 });
  },
  LIMIT_MS,
);

test(
  'a task survives a daemon that is killed, with its lease',
  async () => {
    await using network = await startNetwork({ nodes: { office: ['commander'] } });
    const commander = network.agent('commander').client;
    const { id } = await commander.tasks.add({ type: 'screen' });
    const task = await commander.tasks.claim();
    assert(task);
    const { service } = network.node('office');
    await service.end('SIGKILL');
    await service.start();
    expect(await commander.tasks.claim()).toBeUndefined();
    expect(await commander.tasks.complete(task, { score: 1 })).toMatchObject({ id, status: 'completed' });
  },
  LIMIT_MS,
);

test(
  'metrics are written together and summed up over time, and points make a leaderboard, in client and command line',
  async () => {
    await using network = await startNetwork({ nodes: { office: ['commander'] } });
    const { service } = network.node('office');
    const commander = network.agent('commander').client;
    const hour = (at: number): Date => new Date(Date.UTC(2026, 10, 20, at));
    for (let value = 1; value <= 250; value += 1)
      commander.metrics.record('latency', value, { at: hour(value % 2), unit: 'ms' });
    await commander.metrics.flush();
    const series = await commander.metrics.series('latency', { every: '1h' });
    expect(series).toMatchObject([
      { at: hour(1).toISOString(), n: 125, min: 1, max: 249 },
      { at: hour(0).toISOString(), n: 125, min: 2, max: 250 },
    ]);
    for (const [index, [awarded_to, points]] of (
      [
        ['ada', 5],
        ['ben', 7],
        ['ada', 3],
      ] as const
    ).entries())
      await commander.collection('achievements').put(`a-${index}`, { awarded_to, type: 'screened', points });
    const standings = [
      { agent: 'ada', points: 8, achievements: 2 },
      { agent: 'ben', points: 7, achievements: 1 },
    ];
    expect(await commander.achievements.leaderboard()).toEqual(standings);
    const asCommander = [...service.place, '--agent', 'commander'];
    expect(await askHoldfast(network.home, ['leaderboard', ...asCommander])).toEqual({ standings });
    await commander.registry.heartbeat({ role: 'commander', capabilities: ['plan'] });
    expect(await askHoldfast(network.home, ['registry', ...asCommander])).toMatchObject({
      agents: [{ agent: 'commander', status: 'idle', role: 'commander' }],
    });
  },
  LIMIT_MS,
);

test(
  'what is noted as a metric is stored when the client is closed',
  async () => {
    await using network = await startNetwork({ nodes: { office: ['commander'] } });
    const { token } = await network.node('office').admin.agents.token('commander');
    {
      await using short = connect({ url: network.node('office').service.url, token });
      short.metrics.record('runs', 1);
    }
    const { records } = await network.agent('commander').client.collection('metrics').query();
    expect(records).toMatchObject([{ doc: { name: 'runs', value: 1 } }]);
  },
  LIMIT_MS,
);
