import {
  type FeedChange,
  type FeedPage,
  HoldfastError,
  isHoldfastError,
  type Now,
  peerName,
  SHARED_AGENT,
} from '@holdfast/protocol';
import { recordHash, type RecordsTransaction, rowOfChange } from '@holdfast/store';
import type { Logger } from 'pino';

import type { Arrival, ArrivalNotes, HeldLetter } from '../../storage/arrival-notes.ts';
import type { FeedPlace, FeedSink } from '../../sync/feed-follower.ts';
import type { Timers } from '../../sync/timers.ts';
import type { Agents } from '../agents.ts';
import type { Records, Scope } from '../records.ts';
import { LETTERS, MAIL, mailOf, type SentDocument } from './letter.ts';

/** Letters put into one file in one transaction, so that others are not kept waiting. */
const LETTERS_AT_ONCE = 100;

/** How often it is looked whether a file takes letters again that are held for it. */
const LOOK_MS = 5000;

/** Codes that say that an agent's file takes nothing now. */
const UNSERVED: ReadonlySet<string> = new Set(['agent-not-found', 'file-damaged', 'agent-restoring']);

/** Codes that say that a letter will never be taken. */
const IMPOSSIBLE: ReadonlySet<string> = new Set(['invalid-request', 'record-too-large', 'unsafe-document']);

/** What happened to letters, for whoever counts. */
export type CountLetters = (what: 'arrived' | 'refused', letters: number) => void;

/** What taking in what comes for the node's agents needs. */
export interface ArrivalsOptions {
  readonly notes: ArrivalNotes;
  readonly records: Pick<Records, 'transact'>;
  readonly agents: Pick<Agents, 'has'>;
  /**
   * Whether an agent's file has all that the relay has of that agent. A letter that is put into an older copy would be later than what its
   * reader did with it.
   */
  readonly isSettled: (agent: string) => boolean;
  /** A task of an agent of another node may be claimed by one of this. Must not throw. */
  readonly onTask: (owner: Scope & { readonly node: string }) => void;
  readonly count: CountLetters;
  readonly now: Now;
  readonly timers: Timers;
  readonly log: Logger;
}

/**
 * Takes what agents of other nodes addressed to those of this one (protocol rule 21). Letters are put into their mail, each once
 * whatever comes again; those nobody's file takes now are held. Tasks wake those that wait for them.
 */
export class Arrivals implements FeedSink {
  readonly #options: ArrivalsOptions;
  #asked: string | undefined;
  #releasing: Promise<void> | undefined;
  #disarm: () => void = () => undefined;
  #isEnded = false;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  next(): FeedPlace {
    this.#asked = this.#options.notes.cursor;
    return { part: { addressed: true }, after: this.#asked, isStartingOver: false };
  }

  async take({ changes, cursor }: FeedPage): Promise<void> {
    const { notes, now, onTask } = this.#options;
    const arrivals = changes.flatMap((change) => this.#arrivalOf(change));
    const held = await this.#deliver(arrivals);
    // It may have been decided meanwhile to read from the beginning.
    const isNext = this.#asked === notes.cursor;
    if (held.length > 0 || cursor !== this.#asked)
      notes.note({ cursor: isNext ? cursor : undefined, held, nowMs: now() });
    for (const { collection, node, agent, resource } of changes)
      if (collection === 'tasks') onTask({ node, agent, resource });
    if (held.length > 0) this.look();
  }

  async startOver(): Promise<void> {
    this.#options.notes.startOver();
  }

  /** Looks from now on whether letters that are held can be delivered. */
  begin(): void {
    if (this.#options.notes.held > 0) this.look();
  }

  /** Looks whether letters that are held can be delivered now, and again later while there are any. Cheap when there are none. */
  look(): void {
    this.#disarm();
    if (this.#isEnded || this.#options.notes.held === 0) return;
    this.#disarm = this.#options.timers.after(LOOK_MS, () => this.look());
    this.#releasing ??= this.#release().finally(() => (this.#releasing = undefined));
  }

  /** Looks no more, and writes down how far was read; nothing is delivered any more when it resolves. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#disarm();
    await this.#releasing;
    try {
      this.#options.notes.settle();
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'how far was read of what other nodes sent could not be noted; some is read again',
      );
    }
  }

  /** How many letters are held. */
  get held(): number {
    return this.#options.notes.held;
  }

  #arrivalOf(change: FeedChange): Arrival[] {
    const { collection, resource, id, node, agent: sender, doc } = change;
    if (collection !== LETTERS) return [];
    const to = peerName.safeParse((doc as { to?: unknown } | null)?.to);
    const agent = to.data?.split('@')[0];
    const isSound = recordHash(rowOfChange(change)) === change.hash;
    if (isSound && agent !== undefined && agent !== SHARED_AGENT)
      return [{ agent, resource, id, sender: `${sender}@${node}`, letter: JSON.stringify(doc) }];
    this.#refuse(1);
    return [];
  }

  /** Puts letters where they belong; gives back those for which no file serves. */
  async #deliver(arrivals: readonly Arrival[]): Promise<Arrival[]> {
    const groups = Map.groupBy(arrivals, ({ agent, resource }) => `${agent} ${resource}`);
    const undelivered = await Promise.all([...groups.values()].map((group) => this.#deliverGroup(group)));
    return undelivered.flat();
  }

  async #deliverGroup(group: readonly Arrival[]): Promise<readonly Arrival[]> {
    const [first] = group;
    if (first !== undefined && this.#options.agents.has(first.agent) && !this.#options.isSettled(first.agent))
      return group;
    for (let from = 0; from < group.length; from += LETTERS_AT_ONCE)
      try {
        await this.#put(group.slice(from, from + LETTERS_AT_ONCE));
      } catch (error) {
        if (!isHoldfastError(error) || !UNSERVED.has(error.code)) throw error;
        return group.slice(from);
      }
    return [];
  }

  /** Puts letters of one agent and resource into its mail. Throws as `Records.transact`. */
  async #put(arrivals: readonly Arrival[]): Promise<void> {
    const { records, agents, count } = this.#options;
    const [first] = arrivals;
    if (first === undefined) return;
    if (!agents.has(first.agent)) throw new HoldfastError('agent-not-found', `there is no agent "${first.agent}"`);
    const { put, refused } = await records.transact(first, (transaction) => {
      const outcomes = arrivals.map((arrival) => putOnce(transaction, arrival));
      const counted = (outcome: PutOutcome): number => outcomes.filter((each) => each === outcome).length;
      return { put: counted('put'), refused: counted('refused') };
    });
    if (put > 0) count('arrived', put);
    this.#refuse(refused);
  }

  async #release(): Promise<void> {
    const { notes, agents, now, log } = this.#options;
    try {
      notes.release([], now());
      for (const agent of notes.agents) if (agents.has(agent)) await this.#releaseFor(agent);
    } catch (error) {
      log.warn({ err: error }, 'letters that are held could not be delivered; tried again');
    }
  }

  async #releaseFor(agent: string): Promise<void> {
    const { notes, now } = this.#options;
    const next = (after: number): HeldLetter[] => notes.heldFor(agent, after, LETTERS_AT_ONCE);
    for (let held = next(0); held.length > 0 && !this.#isEnded; held = next(held.at(-1)?.number ?? 0)) {
      const remaining = new Set(await this.#deliver(held));
      notes.release(
        held.filter((letter) => !remaining.has(letter)).map(({ number }) => number),
        now(),
      );
    }
  }

  #refuse(letters: number): void {
    if (letters === 0) return;
    this.#options.count('refused', letters);
    this.#options.log.warn({ letters }, 'letters of other nodes are none that can be delivered: they are left out');
  }
}

type PutOutcome = 'put' | 'known' | 'refused';

// The letter's own id says whether it was delivered: what its reader did with it since, and what removed it, is remembered.
function putOnce(records: RecordsTransaction, { agent, id, sender, letter }: Arrival): PutOutcome {
  if (records.wasEver(MAIL, id)) return 'known';
  try {
    records.put(MAIL, id, mailOf(JSON.parse(letter) as SentDocument, { from: sender, to: agent }));
    return 'put';
  } catch (error) {
    if (isHoldfastError(error) && IMPOSSIBLE.has(error.code)) return 'refused';
    throw error;
  }
}
