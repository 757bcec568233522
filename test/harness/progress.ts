import { expect, vi } from 'vitest';

import type { Network } from './network.ts';

const LIMIT_MS = 60_000;

/** Waits until the relay has taken more of every agent's stream than it had. All of them must be writing. */
export async function relayTakesMore(network: Pick<Network, 'agents' | 'desk'>): Promise<void> {
  const before = await cursors(network);
  const streams = network.agents.map(({ node, agent }) => `${node}/${agent}`);
  await vi.waitFor(
    async () => {
      const now = await cursors(network);
      expect(streams.filter((stream) => (now.get(stream) ?? 0) <= (before.get(stream) ?? 0))).toEqual([]);
    },
    { timeout: LIMIT_MS, interval: 20 },
  );
}

/** How far the relay has each stream. */
async function cursors({ desk }: Pick<Network, 'desk'>): Promise<ReadonlyMap<string, number>> {
  const streams = (await desk.nodes()).flatMap(({ node, agents }) =>
    agents.map(({ agent, cursor_seq: seq }): [string, number] => [`${node}/${agent}`, seq]),
  );
  return new Map(streams);
}
