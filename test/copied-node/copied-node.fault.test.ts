import { cp } from 'node:fs/promises';
import { join } from 'node:path';

import { connect, type Holdfast } from '@holdfast/client';
import { startOf } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { type Network, startNetwork } from '../harness/network.ts';
import { Service } from '../harness/service.ts';
import { stablePort } from '../harness/stable-port.ts';
import { readRelay } from '../harness/stored.ts';

const SOON_MS = 30_000;
const LIMIT_MS = 120_000;

/** A node, and another daemon that runs on a copy of its directory. */
interface Twins extends AsyncDisposable {
  readonly network: Network;
  readonly copy: Service;
  readonly admin: Holdfast;
  /** The same agent of both: it has the same token. */
  readonly agents: Readonly<Record<'original' | 'copy', Holdfast>>;
}

async function startTwins(): Promise<Twins> {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(await startNetwork({ nodes: { original: [] } }));
  const { service } = network.node('original');
  const { token } = await network.node('original').admin.agents.create('ada');
  const original = stack.use(connect({ url: service.url, token, retries: 0 }));
  await original.collection('notes').put('before', { by: 'original' }, { ack: 'relay', timeout: 30 });
  await service.end('SIGTERM');
  await cp(service.directory, join(network.home.path, 'copy'), { recursive: true });
  await service.start();
  await network.untilLink('original', 'open');
  const port = await stablePort();
  const copy = stack.use(new Service({ kind: 'node', name: 'copy', home: network.home, port }));
  await copy.start();
  const admin = stack.use(connect({ url: copy.url, token: copy.adminToken, retries: 0 }));
  const twin = stack.use(connect({ url: copy.url, token, retries: 0 }));
  await expect.poll(async () => (await admin.node.status()).relay.state, { timeout: SOON_MS }).toBe('cloned');
  const owned = stack.move();
  return {
    network,
    copy,
    admin,
    agents: { original, copy: twin },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function onRelay({ network }: Twins): Promise<readonly string[]> {
  const records = await readRelay(network.desk);
  return [...records].map(([key, { doc }]) => `${key} ${doc}`).toSorted();
}

function relayKey(node: string, id: string): RegExp {
  return new RegExp(`${node}.*ada.*notes.*${id}`);
}

describe('a copy of a node', () => {
  test(
    'serves and does not sync, alarms, and becomes a node of its own that overwrites nothing',
    async () => {
      await using twins = await startTwins();
      const { network, copy, admin, agents } = twins;
      const [notes, copied] = [agents.original.collection('notes'), agents.copy.collection('notes')];
      await notes.put('same', { by: 'original' }, { ack: 'relay', timeout: 30 });
      await copied.put('same', { by: 'copy' });
      await copied.put('alone', { by: 'copy' });
      expect(await onRelay(twins)).toHaveLength(2);
      const doctor = await runHoldfast(network.home, ['doctor', 'node', ...copy.place, '--url', copy.url]);
      expect(doctor.stdout + doctor.stderr).toContain('holdfast node reidentify');
      const metrics = await fetch(`${copy.url}/metrics`, { headers: { authorization: `Bearer ${copy.adminToken}` } });
      expect(await metrics.text()).toMatch(/^holdfast_link_refused 1$/m);

      const { token } = await network.desk.invite({ node: 'copy' });
      const named = ['node', 'reidentify', '--name', 'copy', ...copy.place, '--url', copy.url];
      expect(await askHoldfast(network.home, named, token)).toEqual({ node: 'copy', relay: network.proxy.url });
      expect(await admin.node.status()).toMatchObject({ node: 'copy' });
      const after = await copied.put('after', { by: 'copy' }, { ack: 'relay', timeout: 30 });
      expect(after).toMatchObject({ ack: 'relay' });
      await expect.poll(async () => (await agents.copy.status()).outbox.records, { timeout: SOON_MS }).toBe(0);

      const found = await onRelay(twins);
      expect(found).toHaveLength(6);
      for (const [node, ids] of [
        ['original', ['before', 'same']],
        ['copy', ['before', 'same', 'alone', 'after']],
      ] as const) {
        for (const id of ids) {
          const [line] = found.filter((each) => relayKey(node, id).test(each));
          expect(line).toContain(id === 'before' ? '"original"' : `"${node}"`);
        }
      }
      const theirs = await notes.put('after', { by: 'original' }, { ack: 'relay', timeout: 30 });
      expect(startOf(theirs.version)).not.toBe(startOf(after.version));
      await network.untilLink('original', 'open');

      expect(copy.log().filter(({ msg }) => /was put back/.test(String(msg)))).toEqual([]);

      await copy.end('SIGKILL');
      await copy.start();
      await expect.poll(async () => (await admin.node.status()).relay.state, { timeout: SOON_MS }).toBe('open');
      expect((await copied.put('later', {})).version > after.version).toBe(true);
    },
    LIMIT_MS,
  );

  test(
    'whose new name was lost on the way can be given it again',
    async () => {
      await using twins = await startTwins();
      const { network, admin, agents } = twins;
      const { token } = await network.desk.invite({ node: 'copy' });
      network.proxy.set({ kind: 'drop-answer' });
      await expect(admin.node.reidentify({ token, name: 'copy' })).rejects.toMatchObject({ code: 'relay-unreachable' });
      expect(network.proxy.fired['drop-answer']).toBeGreaterThan(0);
      network.proxy.heal();
      expect(await admin.node.status()).toMatchObject({ node: 'original', relay: { state: 'cloned' } });
      await expect(admin.node.reidentify({ token, name: 'copy' })).rejects.toMatchObject({
        code: 'join-token-refused',
      });
      const again = await network.desk.invite({ node: 'copy', replaces: true });
      await admin.node.reidentify({ token: again.token, name: 'copy' });
      const wish = { ack: 'relay', timeout: 30 } as const;
      expect(await agents.copy.collection('notes').put('after', {}, wish)).toMatchObject({ ack: 'relay' });
    },
    LIMIT_MS,
  );
});

describe('a node', () => {
  test(
    'can be given its own name once more, and sends everything again',
    async () => {
      await using network = await startNetwork({ nodes: { only: ['ada'] } });
      const { admin } = network.node('only');
      const notes = network.agent('ada').client.collection('notes');
      const wish = { ack: 'relay', timeout: 30 } as const;
      await notes.put('before', {}, wish);
      const { boot } = await admin.node.status();
      const { token } = await network.desk.invite({ node: 'only', replaces: true });
      await admin.node.reidentify({ token, name: 'only' });
      expect(await notes.put('after', {}, wish)).toMatchObject({ ack: 'relay' });
      const status = await admin.node.status();
      expect([status.node, status.relay.state, status.boot === boot]).toEqual(['only', 'open', false]);
      expect((await readRelay(network.desk)).size).toBe(2);
    },
    LIMIT_MS,
  );

  test(
    'of two joins at once carries out one and spends no second token',
    async () => {
      await using network = await startNetwork({ nodes: {} });
      await using service = new Service({ kind: 'node', name: 'new', home: network.home, port: await stablePort() });
      await service.start();
      await using admin = connect({ url: service.url, token: service.adminToken, retries: 0 });
      const names = ['one', 'two'];
      const invited = await Promise.all(names.map((node) => network.desk.invite({ node })));
      const joins = invited.map(({ token, node }) => admin.node.join({ relay: network.relay.url, token, name: node }));
      const outcomes = await Promise.allSettled(joins);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'already-enrolled' },
      });
      expect(await network.desk.nodes()).toHaveLength(1);
    },
    LIMIT_MS,
  );
});
