import type { Holdfast } from '@holdfast/client';
import type { AgentStatus, NodeStatus } from '@holdfast/protocol';

/** What every node says of itself and its agents, at about one moment. */
export class Outboxes {
  readonly #nodes: readonly NodeStatus[];

  private constructor(nodes: readonly NodeStatus[]) {
    this.#nodes = nodes;
  }

  /** Asks the nodes. */
  static async of({ nodes }: { readonly nodes: ReadonlyMap<string, Holdfast> }): Promise<Outboxes> {
    return new Outboxes(await Promise.all([...nodes.values()].map((node) => node.node.status())));
  }

  /** Records that wait for the relay, over all agents. */
  get records(): number {
    return this.#agents.reduce((sum, { outbox }) => sum + outbox.records, 0);
  }

  /** Whether every node is in contact with the relay. */
  get areLinked(): boolean {
    return this.#nodes.every(({ relay }) => relay.state === 'open');
  }

  /** How much of what waited `before` the relay holds now, from 0 to 1. */
  ackedShare(before: Outboxes): number {
    const now = new Map(this.#agents.map(({ agent, acked_seq: ackedSeq }) => [agent, ackedSeq]));
    const sums = before.#agents.reduce(
      ({ acked, wanted }, { agent, seq, acked_seq: ackedSeq }) => ({
        acked: acked + Math.min(seq, now.get(agent) ?? 0) - ackedSeq,
        wanted: wanted + seq - ackedSeq,
      }),
      { acked: 0, wanted: 0 },
    );
    return sums.wanted === 0 ? 1 : sums.acked / sums.wanted;
  }

  get #agents(): readonly AgentStatus[] {
    return this.#nodes.flatMap(({ agents }) => agents);
  }
}
