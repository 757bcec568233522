import { documentOf } from '@holdfast/protocol';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { AGENTS } from './configuration.ts';
import type { MessagePromises } from './message-promises.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/** Longer than all that clocks leap: when messages expire is told by clocks, and not promised. */
const TTL_SECONDS = 3_000_000_000;

/** How often a message is published in a step. */
const PUBLISHES = 0.25;

/** Publishes durable messages, and listens to them on every node. It has a source of randomness of its own, like `Sharing`. */
export class Messaging {
  readonly #world: World;
  readonly #random: SeededRandom;

  constructor(world: World) {
    this.#world = world;
    this.#random = seededRandom(world.seed + 3_000_000_089);
  }

  /** Publishes a message, perhaps. */
  maybe(): void {
    const { messages, lines } = this.#world;
    if (messages === undefined) return;
    listenEverywhere(this.#world, messages);
    if (this.#random.next() >= PUBLISHES) return;
    const line = this.#random.pick(lines);
    if (line.life !== undefined) this.#publish(messages, line, line.life);
  }

  #publish(messages: MessagePromises, { label, node }: NodeLine, life: NodeLife): void {
    const agent = this.#random.pick(AGENTS);
    const channel = this.#random.pick(['a', 'b:c']);
    const message = messages.ask({ publisher: `${agent} of ${label} on ${channel}`, node });
    this.#world.note(label, `publishes #${message.serial}`);
    const document = documentOf(message.serial, String(message.serial));
    const published = life.durable.publish({ agent, resource: '' }, channel, document, { ttlSeconds: TTL_SECONDS });
    this.#world.watch(
      published.then(
        () => {
          if (life.isDead) return;
          messages.keep(message);
          this.#world.operations.add('message-kept');
        },
        (error: unknown) => {
          if (!life.isDead) throw error;
        },
      ),
    );
  }
}

/** Whoever listens on a line listens again where its process began anew. */
export function listenEverywhere(world: World, messages: MessagePromises): void {
  for (const line of world.lines)
    if (line.life !== undefined && messages.beginsListening(line.life))
      world.watch(listen(world, messages, line, line.life));
}

async function listen(world: World, messages: MessagePromises, { label }: NodeLine, life: NodeLife): Promise<void> {
  const heard = life.durable.listen({ resource: '' }, '*', messages.placeOf(label), life.ending);
  for await (const { id: place, data } of heard) {
    if (life.isDead) return;
    const { value } = JSON.parse(data) as { readonly value: number };
    world.note(label, `hears #${value}`);
    world.operations.add('message-heard');
    messages.hear(label, { serial: value, place });
  }
}
