import { Audience, type Group } from './audience.ts';
import type { Address, Fanout, Interest, Listening, Presence } from './fanout.ts';
import { Listener, type QueueBounds, type Sized } from './listener.ts';

/** How much may wait for one listener: more ends it. */
export type FanoutBounds = QueueBounds;

/** The fan-out of one process. */
export class MemoryFanout<Message extends Sized> implements Fanout<Message> {
  readonly #bounds: FanoutBounds;
  readonly #audiences = new Map<string, Audience<Listener<Message>>>();

  constructor(bounds: FanoutBounds) {
    this.#bounds = bounds;
  }

  async publish({ resource, channel }: Address, message: Message, except?: string): Promise<number> {
    const groups = [...(this.#audiences.get(resource)?.hearing(channel) ?? [])];
    const given = new Set<Listener<Message>>();
    let listeners = 0;
    for (const { members } of groups) {
      for (const [member, agents] of members) {
        if (member.owner === except) continue;
        for (const count of agents.values()) listeners += count;
        given.add(member);
      }
    }
    for (const member of given) member.give(message);
    return listeners;
  }

  async listen(owner: string, interests: readonly Interest[], signal: AbortSignal): Promise<Listening<Message>> {
    const known = new Map<string, Interest>();
    const update = (changes: readonly Interest[]): void => {
      for (const change of changes) {
        const { resource, pattern, agent, listeners } = change;
        const key = JSON.stringify([resource, pattern, agent]);
        if (listeners > 0) known.set(key, change);
        else known.delete(key);
        this.#set(listener, change);
      }
    };
    const listener = new Listener<Message>(owner, this.#bounds, () => {
      update([...known.values()].map((interest) => ({ ...interest, listeners: 0 })));
    });
    update(interests);
    if (signal.aborted) listener.end();
    else signal.addEventListener('abort', () => listener.end(), { once: true });
    return {
      update: async (changes) => (listener.isOver ? undefined : update(changes)),
      [Symbol.asyncIterator]: () => listener.groups(),
    };
  }

  async present(resource: string, pattern: string): Promise<readonly Presence[]> {
    const found = new Map<string, Presence>();
    for (const group of this.#audiences.get(resource)?.around(pattern) ?? []) count(group, found);
    return [...found.entries()].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, presence]) => presence);
  }

  #set(listener: Listener<Message>, { resource, pattern, agent, listeners }: Interest): void {
    const audience = this.#audiences.get(resource) ?? new Audience<Listener<Message>>();
    this.#audiences.set(resource, audience);
    audience.set(listener, pattern, agent, listeners);
    if (audience.isEmpty) this.#audiences.delete(resource);
  }
}

function count({ members }: Group<Listener<Sized>>, found: Map<string, Presence>): void {
  for (const [{ owner }, agents] of members) {
    for (const [agent, listeners] of agents) {
      const key = JSON.stringify([owner, agent]);
      found.set(key, { owner, agent, listeners: (found.get(key)?.listeners ?? 0) + listeners });
    }
  }
}
