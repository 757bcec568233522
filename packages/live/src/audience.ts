import { isName, matcherOf } from './pattern.ts';

/** Those who listen to one pattern: how many listeners of which agents, by who takes the messages for them. */
export interface Group<Member> {
  readonly pattern: string;
  readonly covers: (text: string) => boolean;
  readonly members: Map<Member, Map<string, number>>;
}

/** Who listens to the channels of one resource. Names are looked up; patterns with stars are tried one after the other. */
export class Audience<Member> {
  readonly #names = new Map<string, Group<Member>>();
  readonly #patterns = new Map<string, Group<Member>>();

  /** Whether nobody listens. */
  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#patterns.size === 0;
  }

  /** So many listeners of an agent listen to a pattern, through a member. */
  set(member: Member, pattern: string, agent: string, listeners: number): void {
    const groups = isName(pattern) ? this.#names : this.#patterns;
    const group = groups.get(pattern) ?? newGroup<Member>(pattern);
    const agents = group.members.get(member) ?? new Map<string, number>();
    if (listeners > 0) agents.set(agent, listeners);
    else agents.delete(agent);
    if (agents.size > 0) group.members.set(member, agents);
    else group.members.delete(member);
    if (group.members.size > 0) groups.set(pattern, group);
    else groups.delete(pattern);
  }

  /** The groups that hear a channel. */
  *hearing(channel: string): Generator<Group<Member>> {
    const named = this.#names.get(channel);
    if (named !== undefined) yield named;
    for (const group of this.#patterns.values()) if (group.covers(channel)) yield group;
  }

  /** The groups whose pattern covers this one, or is covered by it. */
  *around(pattern: string): Generator<Group<Member>> {
    const covers = matcherOf(pattern);
    for (const groups of [this.#names, this.#patterns]) {
      for (const group of groups.values()) if (group.covers(pattern) || covers(group.pattern)) yield group;
    }
  }
}

function newGroup<Member>(pattern: string): Group<Member> {
  return { pattern, covers: matcherOf(pattern), members: new Map() };
}
