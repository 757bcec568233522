import type { NetworkQuery } from '@holdfast/protocol';
import { expect, test } from 'vitest';

import { changeLines, pageOf, type TestNode, TestRelay } from './relay-fixture.ts';

async function ownersSeenBy({ relay, credential }: TestNode, query: NetworkQuery = {}): Promise<string[]> {
  const { records } = pageOf(await relay.call('POST', '/relay/query', { token: credential, body: query }));
  return [...new Set(records.map(({ node = '', agent = '' }) => `${node}/${agent}`))].toSorted();
}

async function write(node: TestNode, agent: string): Promise<void> {
  expect((await node.batch({ header: { agent }, lines: changeLines(2) })).status).toBe(200);
}

test('a node that asks past its daemon gets its own agents’ records, whatever it asks for and whatever its agents are called', async () => {
  await using relay = await new TestRelay().start();
  const [htpc, laptop] = [await relay.node('htpc'), await relay.node('laptop')];
  for (const agent of ['recruiter', 'scout']) await write(htpc, agent);
  for (const agent of ['recruiter', 'scout']) await write(laptop, agent);
  const own = ['laptop/recruiter', 'laptop/scout'];
  expect(await ownersSeenBy(laptop)).toEqual(own);
  expect(await ownersSeenBy(laptop, { nodes: ['htpc'], agents: ['scout'], resources: [''] })).toEqual([]);
  expect(await ownersSeenBy(laptop, { where: { or: [{ node: 'htpc' }, { node: 'laptop' }] } })).toEqual(own);
});

test('a node that makes an agent of a name that is not shared reads nobody else’s by it', async () => {
  await using relay = await new TestRelay({ 'query.sharedAgents': ['recruiter'] }).start();
  const [htpc, laptop] = [await relay.node('htpc'), await relay.node('laptop')];
  for (const agent of ['recruiter', 'scout']) await write(htpc, agent);
  await write(laptop, 'scout');
  expect(await ownersSeenBy(laptop)).toEqual(['laptop/scout']);
  await write(laptop, 'recruiter');
  expect(await ownersSeenBy(laptop)).toEqual(['htpc/recruiter', 'laptop/recruiter', 'laptop/scout']);
});
