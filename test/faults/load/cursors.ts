import type { Network } from '../../harness/network.ts';

/**
 * Streams of which the relay, stopped now and started by `start`, has forgotten what it had acknowledged to the nodes,
 * one line each.
 */
export async function forgottenStreams(
  { nodes, desk }: Pick<Network, 'nodes' | 'desk'>,
  start: () => Promise<void>,
): Promise<readonly string[]> {
  const told = await acknowledged(nodes);
  await start();
  const known = new Map(
    (await desk.nodes()).flatMap(({ node, agents }) =>
      agents.map(({ agent, cursor_seq: seq }): [string, number] => [`${node}/${agent}`, seq]),
    ),
  );
  return [...told]
    .filter(([stream, seq]) => (known.get(stream) ?? 0) < seq)
    .map(([stream, seq]) => `the relay acknowledged ${stream} up to ${seq} and stands at ${known.get(stream) ?? 0}`);
}

async function acknowledged(nodes: Network['nodes']): Promise<ReadonlyMap<string, number>> {
  const statuses = await Promise.all(nodes.map(({ admin }) => admin.node.status()));
  const streams = statuses.flatMap(({ node, agents }) =>
    agents.map(({ agent, acked_seq: seq }): [string, number] => [`${node}/${agent}`, seq]),
  );
  return new Map(streams);
}
