import { Counter, Gauge, type Registry } from 'prom-client';

/** Metrics of channels. */
export class ChannelMetrics {
  readonly #messages: Counter;

  constructor(registry: Registry, channels: () => { readonly listening: number }) {
    const registers = [registry];
    this.#messages = new Counter({
      name: 'holdfast_relay_channel_messages_total',
      help: 'Messages on channels that nodes published',
      registers,
    });
    const listening: Gauge = new Gauge({
      name: 'holdfast_relay_channel_nodes',
      help: 'Nodes that listen to channels now',
      registers,
      collect: () => listening.set(channels().listening),
    });
  }

  /** Counts messages that a node published. */
  count(messages: number): void {
    this.#messages.inc(messages);
  }
}
