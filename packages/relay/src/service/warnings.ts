import type { Now, Reject } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { RelayMetrics } from './metrics.ts';

/** How long nothing more is said of a node for the same reason; it is still counted. */
const SILENCE_MS = 60_000;

/** What sync must tell its operator: log lines and counters, without the name of any record. */
export class Warnings {
  readonly #metrics: RelayMetrics;
  readonly #log: Logger;
  readonly #now: Now;
  /** When a node was last spoken of as ahead, by its name. */
  readonly #aheadMs = new Map<string, number>();

  constructor(metrics: RelayMetrics, log: Logger, now: Now) {
    this.#metrics = metrics;
    this.#log = log;
    this.#now = now;
  }

  /** Changes of a node could not be taken. */
  rejected(node: string, rejects: readonly Reject[]): void {
    if (rejects.length === 0) return;
    const codes = [...new Set(rejects.map(({ code }) => code))];
    this.#log.warn({ node, rejects: rejects.length, codes }, 'changes became dead letters');
  }

  /** Node and relay hold different records of an agent (protocol rule 12). */
  differs(node: string, agent: string): void {
    this.#metrics.countDifference();
    this.#log.warn(
      { node, agent },
      'the node has other records than the relay: it compares them and sends what differs',
    );
  }

  /** Documents of an agent are no JSON any more: the database rotted. */
  unreadable(node: string, agent: string, records: number): void {
    this.#log.error(
      { node, agent, records },
      'records cannot be read any more: the node is told which, and sends its own',
    );
  }

  /** A node knows of acknowledgements this relay does not: the relay was put back (protocol rule 6). */
  isBehind(node: string, agent: string): void {
    this.#metrics.countBehind();
    const nowMs = this.#now();
    const silentForMs = Math.abs(nowMs - (this.#aheadMs.get(node) ?? -Infinity));
    if (silentForMs < SILENCE_MS) return;
    this.#aheadMs.set(node, nowMs);
    this.#log.warn({ node, agent }, 'this relay was put back: the node sends again what was acknowledged since');
  }
}
