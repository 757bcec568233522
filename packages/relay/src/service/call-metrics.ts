import { Counter, Gauge, type Registry } from 'prom-client';

import type { Switchboard } from './switchboard.ts';

/** What became of a call: nobody took it, or it was taken and there is an answer, a problem, or neither. */
type CallResult = 'answered' | 'refused' | 'unanswered' | 'undelivered';

/** Metrics of calls between nodes. */
export class CallMetrics {
  readonly #calls: Counter<'result'>;

  constructor(registry: Registry, switchboard: Pick<Switchboard, 'listening'>) {
    const registers = [registry];
    this.#calls = new Counter({
      name: 'holdfast_relay_calls_total',
      help: 'Calls of nodes to each other, by what became of them',
      labelNames: ['result'],
      registers,
    });
    const listening: Gauge = new Gauge({
      name: 'holdfast_relay_listening_nodes',
      help: 'Nodes that take calls now',
      registers,
      collect: () => listening.set(switchboard.listening),
    });
  }

  /** Counts a call that has ended. */
  count(result: CallResult): void {
    this.#calls.inc({ result });
  }
}
