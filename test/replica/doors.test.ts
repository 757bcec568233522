import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { startNetwork } from '../harness/network.ts';
import { following, SHARED_CANDIDATES } from './following.ts';

const LIMIT_MS = 120_000;
const NODES = { laptop: ['sourcer'], workstation: ['screening'] };
const durable = { ack: 'relay', timeout: 30 } as const;

test(
  'subscriptions of the configuration are followed and kept from calls, others are made by HTTP and by commands',
  async () => {
    const configured = JSON.stringify({ people: { collections: ['candidates', 'interviews'] } });
    await using network = await startNetwork({
      nodes: NODES,
      relayFlags: SHARED_CANDIDATES,
      nodeFlags: ['--subscriptions', configured],
    });
    const { admin, service } = network.node('workstation');
    const run = (...args: string[]): ReturnType<typeof runHoldfast> =>
      runHoldfast(network.home, [...args, ...service.place]);
    await network.agent('sourcer').client.collection('candidates').put('c-1', { name: 'Ada' }, durable);
    await following(admin, 'people');
    await expect(admin.subscriptions.put('people', { collections: ['notes'] })).rejects.toMatchObject({
      status: 409,
      code: 'subscription-configured',
    });
    await expect(admin.subscriptions.put('all', { collections: ['context'] })).rejects.toMatchObject({
      code: 'invalid-request',
    });
    const added = await run('subscription', 'add', 'notes', '--collection', 'notes', '--node', 'laptop');
    expect([added.exitCode, added.stdout]).toEqual([
      0,
      expect.stringContaining('notes: subscribed to notes of laptop'),
    ]);
    await following(admin, 'notes');
    expect((await run('subscription', 'list')).stdout).toMatch(
      /notes +notes of laptop +following .+ 0 +call\npeople +candidates, interviews +following .+ 1 +configuration/,
    );
    const { node } = await askHoldfast<{ node: object }>(network.home, ['status', ...service.place]);
    expect(node).toMatchObject({
      subscriptions: [
        { name: 'notes', state: 'following', records: 0, behind_seconds: 0 },
        { name: 'people', state: 'following', records: 1, behind_seconds: 0, origin: 'configuration' },
      ],
    });
    expect((await run('status')).stdout).toMatch(/Copies notes {2}following .+\n {7}people {2}following {2}1 record, /);
    const args = ['query', 'candidates', '--replica', '--agent', 'screening'];
    const asked = await run(...args);
    expect(asked.stdout).toContain('Ada');
    expect(asked.stderr).toMatch(/^from the copies of this node: people complete \d+ s ago\n$/);
    await network.relay.end('SIGKILL');
    const offLine = await run('query', 'candidates', '--network', '--via-node', '--agent', 'screening');
    expect([offLine.stdout, offLine.stderr]).toEqual([
      expect.stringContaining('Ada'),
      expect.stringContaining('from the copies of this node: people complete'),
    ]);
    expect((await run('subscription', 'remove', 'notes')).stdout).toBe('notes removed\n');
    expect(await run('subscription', 'remove', 'notes')).toMatchObject({ exitCode: 1 });
    expect(await run('subscription', 'remove', 'people')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('stands in the configuration'),
    });
    await expect(admin.replica.query({ collection: 'notes' })).rejects.toMatchObject({ code: 'not-subscribed' });
    expect(await metric(service, 'holdfast_replica_records')).toBe(1);
    expect(await metric(service, 'holdfast_subscriptions')).toBe(1);
    // What was made by calls is there after a start, and what was removed is not.
    await admin.subscriptions.put('mine', { collections: ['candidates'], agents: ['screening'] });
    await service.end('SIGKILL');
    await service.start();
    expect((await admin.subscriptions.list()).map(({ name, records }) => [name, records])).toEqual([
      ['mine', 0],
      ['people', 1],
    ]);
  },
  LIMIT_MS,
);

async function metric({ url, adminToken }: { url: string; adminToken: string }, name: string): Promise<number> {
  const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${adminToken}` } });
  const line = (await answer.text()).split('\n').find((text) => text.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}
