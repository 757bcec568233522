import assert from 'node:assert/strict';

import { eventually } from '@holdfast/testkit';

import type { Network } from './network.ts';

const LIMIT_MS = 60_000;

/** Waits until the relay has taken more of every agent's stream than it had. All of them must be writing. */
export async function relayTakesMore(network: Pick<Network, 'agents' | 'desk'>): Promise<void> {
  const before = await cursors(network);
  const streams = network.agents.map(({ node, agent }) => `${node}/${agent}`);
  await eventually(
    async () => {
      const now = await cursors(network);
      assert.deepEqual(
        streams.filter((stream) => (now.get(stream) ?? 0) <= (before.get(stream) ?? 0)),
        [],
      );
    },
    { limitMs: LIMIT_MS },
  );
}

/** How far the relay has each stream. */
async function cursors({ desk }: Pick<Network, 'desk'>): Promise<ReadonlyMap<string, number>> {
  const streams = (await desk.nodes()).flatMap(({ node, agents }) =>
    agents.map(({ agent, cursor_seq: seq }): [string, number] => [`${node}/${agent}`, seq]),
  );
  return new Map(streams);
}
