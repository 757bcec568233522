import assert from 'node:assert/strict';
import { chmodSync, cpSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Holdfast } from '@holdfast/client';
import type { ReceivedLetter } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { eventually } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 180_000;
const PATIENCE = { limitMs: 60_000 };
const PLAN = { nodes: { office: ['commander'], laptop: ['screening'] } } as const;

async function inbox({ mail }: Holdfast): Promise<ReceivedLetter[]> {
  const letters: ReceivedLetter[] = [];
  for await (const letter of mail.inbox()) letters.push(letter);
  return letters;
}

const texts = (values: readonly unknown[]): string[] => values.map((value) => JSON.stringify(value)).toSorted();

/** Waits until letters with these bodies are there, and no others. */
async function arrived(client: Holdfast, bodies: readonly unknown[], patience = PATIENCE): Promise<ReceivedLetter[]> {
  return eventually(async () => {
    const letters = await inbox(client);
    assert.deepEqual(texts(letters.map(({ body }) => body)), texts(bodies));
    return letters;
  }, patience);
}

const send = ({ mail }: Holdfast, body: unknown, to = 'screening@laptop') => mail.send({ to, body });

/** The node reads again what is addressed to it, as after a crash between what it keeps and where it stands. */
function forgetCursor(network: Network, node: string): void {
  const database = openDatabase(join(network.node(node).service.directory, 'node.db'));
  assert.equal(database.prepare('UPDATE arrivals SET cursor = NULL WHERE cursor IS NOT NULL').run().changes, 1);
  database.close();
}

test(
  'a letter sent while the relay is away arrives when it is back, and one to an agent that is not there is refused when that is known',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    await expect(send(commander, 1, 'nobody@laptop')).rejects.toMatchObject({ code: 'agent-not-found' });
    await expect(send(commander, 1, 'screening@nowhere')).rejects.toMatchObject({ code: 'node-not-found' });
    expect(await send(commander, 'at once')).toMatchObject({ to: 'screening@laptop', state: 'on-its-way' });
    await arrived(screening, ['at once']);
    await network.relay.end('SIGKILL');
    await network.untilLink('office', 'waiting');
    const sent = await commander.mail.send({ to: 'screening@laptop', subject: 'Hi', body: 'away', replyTo: 'l-1' });
    await network.relay.start();
    const letters = await arrived(screening, ['at once', 'away']);
    const { id, sent_at } = sent;
    expect(letters.at(-1)).toMatchObject({ id, sent_at, from: 'commander@office', to: 'screening', subject: 'Hi' });
    expect(letters.at(-1)).toMatchObject({ reply_to: 'l-1', read_at: null });
  },
  LIMIT_MS,
);

test(
  'a letter sent while the node of its reader is down arrives when it is started again, in its resource alone',
  async () => {
    await using network = await startNetwork(PLAN);
    const { client: screening } = network.agent('screening');
    const { service, admin } = network.node('office');
    const { token } = await admin.agents.token('commander', { resource: 'app:one' });
    await using inside = connect({ url: service.url, token });
    await network.node('laptop').service.end('SIGKILL');
    const key = { idempotencyKey: 'one' };
    const first = await inside.mail.send({ to: 'screening@laptop', body: 'inside' }, key);
    expect(await inside.mail.send({ to: 'screening@laptop', body: 'inside' }, key)).toEqual(first);
    await send(network.agent('commander').client, 'outside');
    await network.node('laptop').service.start();
    await arrived(screening, ['outside']);
    const { url } = network.node('laptop').service;
    const bound = await network.node('laptop').admin.agents.token('screening', { resource: 'app:one' });
    await using reader = connect({ url, token: bound.token });
    await arrived(reader, ['inside']);
    await using other = connect({
      url,
      token: (await network.node('laptop').admin.agents.token('screening', { resource: 'app:two' })).token,
    });
    await arrived(other, []);
  },
  LIMIT_MS,
);

test(
  'letters that come again are put into the mail once, also those that their reader has read or deleted',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    for (const body of ['kept', 'read', 'deleted']) await send(commander, body);
    const letters = await arrived(screening, ['kept', 'read', 'deleted']);
    const idOf = (wanted: string): string => letters.find(({ body }) => body === wanted)?.id ?? '';
    await screening.mail.read(idOf('read'));
    await screening.collection('mail').delete(idOf('deleted'));
    await network.node('laptop').service.end('SIGKILL');
    forgetCursor(network, 'laptop');
    await network.node('laptop').service.start();
    await send(commander, 'last');
    const after = await arrived(screening, ['kept', 'read', 'last']);
    expect(after.find(({ body }) => body === 'read')?.read_at).not.toBeNull();
  },
  LIMIT_MS,
);

test(
  'a node killed again and again while letters come has each of them once',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    const { service } = network.node('laptop');
    const bodies = Array.from({ length: 60 }, (_, index) => index);
    let kills = 0;
    for (const body of bodies) {
      await send(commander, body);
      if (body % 15 !== 7) continue;
      // Whatever it is in the middle of just now.
      await service.end('SIGKILL');
      await service.start();
      kills += 1;
    }
    expect(kills).toBe(4);
    await arrived(screening, bodies);
  },
  LIMIT_MS,
);

test(
  'a relay that was put back has nothing arrive twice, and gets what it lost from the sender',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    await send(commander, 'before');
    await send(commander, 'deleted');
    const letters = await arrived(screening, ['before', 'deleted']);
    await screening.collection('mail').delete(letters.find(({ body }) => body === 'deleted')?.id ?? '');
    await network.relay.end('SIGTERM');
    const copy = network.home.file('older-relay');
    cpSync(network.relay.directory, copy, { recursive: true });
    await network.relay.start();
    await network.untilLink('office', 'open');
    await send(commander, 'lost there');
    await arrived(screening, ['before', 'lost there']);
    await network.node('laptop').service.end('SIGKILL');
    await send(commander, 'not read yet');
    await eventually(async () => {
      const { agents } = await network.node('office').admin.node.status();
      assert.equal(agents.find(({ agent }) => agent === 'commander')?.outbox.records, 0);
    }, PATIENCE);
    await network.relay.end('SIGKILL');
    rmSync(network.relay.directory, { recursive: true });
    cpSync(copy, network.relay.directory, { recursive: true });
    // As whoever restores a database from a copy does: the file beside it is of another time.
    rmSync(`${network.relay.directory}/relay.epoch`);
    chmodSync(network.relay.directory, 0o700);
    await network.relay.start();
    await network.node('laptop').service.start();
    await arrived(screening, ['before', 'lost there', 'not read yet']);
    await send(commander, 'last');
    await arrived(screening, ['before', 'lost there', 'not read yet', 'last']);
  },
  LIMIT_MS,
);

test(
  'a node that was put back to before its letters came has them as their reader left them, though they come again',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    const { service } = network.node('laptop');
    await screening.kv.put('k', 1, { ack: 'relay', timeout: 30 });
    await service.end('SIGTERM');
    const copy = network.home.file('older-node');
    cpSync(service.directory, copy, { recursive: true });
    await service.start();
    for (const body of ['read', 'deleted']) await send(commander, body);
    const letters = await arrived(screening, ['read', 'deleted']);
    const idOf = (wanted: string): string => letters.find(({ body }) => body === wanted)?.id ?? '';
    await screening.mail.read(idOf('read'));
    await screening.collection('mail').delete(idOf('deleted'), { ack: 'relay', timeout: 30 });
    await service.end('SIGKILL');
    rmSync(service.directory, { recursive: true });
    cpSync(copy, service.directory, { recursive: true });
    chmodSync(service.directory, 0o700);
    await service.start();
    await send(commander, 'last');
    // The start that was put back is let in only when the relay has not heard of the one before for a while.
    const after = await arrived(screening, ['read', 'last'], { limitMs: 120_000 });
    expect(after.find(({ body }) => body === 'read')?.read_at).not.toBeNull();
  },
  LIMIT_MS,
);

test(
  'a letter to an agent that is not made yet is held, over a restart too, and delivered when it is made',
  async () => {
    await using network = await startNetwork(PLAN);
    const { client: commander } = network.agent('commander');
    const { admin, service } = network.node('laptop');
    const held = async (letters: number): Promise<void> =>
      eventually(async () => assert.equal((await admin.node.status()).mail.held, letters), PATIENCE);
    network.proxy.set({ kind: 'refuse' });
    await network.untilLink('office', 'waiting');
    await send(commander, 'early', 'later@laptop');
    network.proxy.heal();
    await held(1);
    await service.end('SIGKILL');
    await service.start();
    await held(1);
    const { client: later } = await network.addAgent('laptop', 'later');
    await arrived(later, ['early']);
    await held(0);
  },
  LIMIT_MS,
);

test(
  'a letter to an agent whose file is damaged is held, and delivered when the file serves again',
  async () => {
    await using network = await startNetwork(PLAN);
    const [commander, screening] = [network.agent('commander').client, network.agent('screening').client];
    await screening.kv.put('k', 1, { ack: 'relay', timeout: 30 });
    const { admin, service } = network.node('laptop');
    await service.end('SIGTERM');
    const path = join(service.directory, 'agents', 'screening.db');
    truncateSync(path, 0);
    writeFileSync(path, Buffer.alloc(8192, 0x5a));
    await service.start();
    await send(commander, 'meanwhile');
    await eventually(async () => assert.equal((await admin.node.status()).mail.held, 1), PATIENCE);
    await network.untilLink('laptop', 'open');
    await admin.agents.restore('screening', { from: 'relay' });
    await eventually(async () => assert.equal((await admin.agents.restoreStatus('screening')).state, 'done'), PATIENCE);
    await arrived(screening, ['meanwhile']);
    expect(await screening.kv.get('k')).toMatchObject({ value: 1 });
  },
  LIMIT_MS,
);
