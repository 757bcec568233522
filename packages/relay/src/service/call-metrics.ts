import { gaugesOf } from '@holdfast/http';
import { Counter, type Registry } from 'prom-client';

import type { Switchboard } from './switchboard.ts';

/** What became of a call: nobody took it, or it was taken and there is an answer, a problem, or neither. */
type CallResult = 'answered' | 'refused' | 'unanswered' | 'undelivered';

/** Metrics of calls between nodes. */
export class CallMetrics {
  readonly #calls: Counter<'result'>;

  constructor(registry: Registry, switchboard: Pick<Switchboard, 'listening' | 'underWay'>) {
    const registers = [registry];
    this.#calls = new Counter({
      name: 'holdfast_relay_calls_total',
      help: 'Calls of nodes to each other, by what became of them',
      labelNames: ['result'],
      registers,
    });
    const gauge = gaugesOf(registry);
    gauge('holdfast_relay_listening_nodes', 'Nodes that take calls now', () => switchboard.listening);
    gauge('holdfast_relay_calls_under_way', 'Calls that wait to be taken or answered', () => switchboard.underWay);
  }

  /** Counts a call that has ended. */
  count(result: CallResult): void {
    this.#calls.inc({ result });
  }
}
