import { beginningOf, matcherOf } from './pattern.ts';

/** Those who listen to one pattern: how many listeners of which agents, by who takes the messages for them. */
export interface Group<Member> {
  readonly pattern: string;
  readonly covers: (text: string) => boolean;
  readonly members: Map<Member, Map<string, number>>;
}

/**
 * Who listens to the channels of one resource. A pattern is found by its beginning, up to its first star: thousands of listeners, each to
 * its own part of the names, cost a message to one of them nothing.
 */
export class Audience<Member> {
  readonly #groups = new Map<string, Map<string, Group<Member>>>();

  /** Whether nobody listens. */
  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** So many listeners of an agent listen to a pattern, through a member. */
  set(member: Member, pattern: string, agent: string, listeners: number): void {
    const beginning = beginningOf(pattern);
    const groups = this.#groups.get(beginning) ?? new Map<string, Group<Member>>();
    const group = groups.get(pattern) ?? newGroup<Member>(pattern);
    const agents = group.members.get(member) ?? new Map<string, number>();
    put(agents, agent, listeners, listeners > 0);
    put(group.members, member, agents, agents.size > 0);
    put(groups, pattern, group, group.members.size > 0);
    put(this.#groups, beginning, groups, groups.size > 0);
  }

  /** The groups that hear a channel. */
  *hearing(channel: string): Generator<Group<Member>> {
    for (let end = 0; end <= channel.length; end += 1) {
      const groups = this.#groups.get(channel.slice(0, end));
      if (groups === undefined) continue;
      for (const group of groups.values()) if (group.covers(channel)) yield group;
    }
  }

  /** The groups whose pattern covers this one, or is covered by it. */
  *around(pattern: string): Generator<Group<Member>> {
    const covers = matcherOf(pattern);
    for (const groups of this.#groups.values()) {
      for (const group of groups.values()) if (group.covers(pattern) || covers(group.pattern)) yield group;
    }
  }
}

function put<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, isWanted: boolean): void {
  if (isWanted) map.set(key, value);
  else map.delete(key);
}

function newGroup<Member>(pattern: string): Group<Member> {
  return { pattern, covers: matcherOf(pattern), members: new Map() };
}
