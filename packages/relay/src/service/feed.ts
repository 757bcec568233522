import type { SharedRights } from '@holdfast/network';
import {
  type Cursor,
  type FeedChange,
  type FeedPage,
  type FeedQuery,
  type FeedRights,
  HoldfastError,
  limits,
  SHARED_AGENT,
} from '@holdfast/protocol';

import type { FeedPart, FeedRow, FeedScope } from '../storage/feed.ts';
import type { RelayStore } from '../storage/relay-store.ts';
import type { RelayCaller } from './access.ts';
import { readChanges } from './stored-changes.ts';
import type { Warnings } from './warnings.ts';

/** Calls `run` once after `delayMs`; the function returned prevents it. */
export type Alarm = (delayMs: number, run: () => void) => () => void;

/** What reading the feed needs. */
export interface FeedOptions {
  readonly store: Pick<RelayStore, 'epoch' | 'position' | 'feed' | 'streamPart'>;
  readonly warnings: Pick<Warnings, 'unreadable'>;
  readonly shared: SharedRights;
  /** Ends waiting for a change; injected so that tests can bend time. Default: by the machine's time. */
  readonly alarm?: Alarm;
}

/** A place in the feed. */
interface Place {
  /** Up to where it was read. */
  readonly position: number;
  /** How far the feed had come when it was begun to be read: what was removed before that was never seen. */
  readonly known: number;
}

/** A change, and the cursor from which it goes on after it and all before it. */
export interface FeedEntry {
  readonly change: FeedChange;
  readonly cursor: string;
}

/** A stretch of the feed, for who follows it. */
export interface FeedStretch {
  readonly entries: readonly FeedEntry[];
  /** Where it ends. */
  readonly cursor: string;
  /** Whether there is nothing behind it now. */
  readonly isLast: boolean;
}

/** What the relay took, in order, for those that follow it (protocol rules 13 and 15). */
export class Feed {
  readonly #options: FeedOptions;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /**
   * A page of the feed; waits for a change, as long as the query says, where there is none. Throws `feed-refetch` for a cursor of
   * another life of the database, and for one before what is known in full; `invalid-request` for what is addressed to who is no node.
   */
  async page(caller: RelayCaller, query: FeedQuery, signal: AbortSignal): Promise<FeedPage> {
    // Before the records: who reads to the end has met all that this cursor covers.
    const stream = await this.#streamCursor(caller, query);
    const place = this.#placeOf(query.after);
    using patience = new Patience((query.wait_seconds ?? 0) * 1000, signal, this.#options.alarm);
    // Before the records too: what may be read since then is told with the next page.
    const rights = await this.#rightsOf(caller);
    const part = await this.#part(this.#scopeOf(caller, query), place, patience.ended);
    const cursor = this.#cursorAt({ ...place, position: part.position });
    const changes = this.#changesOf(part.rows).map(({ position: _position, ...change }) => change);
    return { changes, cursor, more: part.more, stream, rights };
  }

  /**
   * The feed after a place and on as it grows, until `signal` aborts. Each stretch is read when it is asked for. One is without
   * entries if there is nothing at the beginning, and then every `limits.feedWaitSeconds` while all that comes is out of scope.
   * Throws like `page`, also later: when who follows is so slow that what was removed meanwhile may be known to it.
   */
  async follow(caller: RelayCaller, query: FeedQuery, signal: AbortSignal): Promise<AsyncIterable<FeedStretch>> {
    const scope = this.#scopeOf(caller, query);
    const { position, known } = this.#placeOf(query.after);
    // Not when it is asked for: a cursor is refused before the answer is begun.
    const first = await this.#options.store.feed.part(scope, position, known);
    return this.#stretches(scope, known, first, signal);
  }

  async *#stretches(
    scope: FeedScope,
    known: number,
    first: FeedPart,
    signal: AbortSignal,
  ): AsyncGenerator<FeedStretch, void> {
    let toldEnd: number | undefined;
    for (let part = first; !signal.aborted;) {
      const isLast = !part.more;
      if (part.rows.length > 0 || (isLast && part.position !== toldEnd)) yield this.#stretchOf(part, known);
      if (isLast) toldEnd = part.position;
      using patience = new Patience(limits.feedWaitSeconds * 1000, signal, this.#options.alarm);
      part = await this.#part(scope, { position: part.position, known }, patience.ended);
    }
  }

  #stretchOf({ rows, position, more }: FeedPart, known: number): FeedStretch {
    const cursorAt = (at: number): string => this.#cursorAt({ position: at, known });
    const entries = this.#changesOf(rows).map(({ position: at, ...change }) => ({ change, cursor: cursorAt(at) }));
    return { entries, cursor: cursorAt(position), isLast: !more };
  }

  async #part(scope: FeedScope, { position, known }: Place, ended: AbortSignal): Promise<FeedPart> {
    const { feed } = this.#options.store;
    for (let after = position; ;) {
      // Begins before the feed is read, so that no commit is missed in between.
      using moved = new Moved((callback) => feed.onMoved(callback));
      const part = await feed.part(scope, after, known);
      after = part.position;
      if (part.rows.length > 0) return part;
      if (part.more) continue;
      if (ended.aborted) return part;
      await moved.wait(ended);
    }
  }

  async #streamCursor({ role, name }: RelayCaller, { incarnation }: FeedQuery): Promise<Cursor | null> {
    if (incarnation === undefined || role !== 'node') return null;
    const stream = { node: name, agent: SHARED_AGENT, incarnation };
    return (await this.#options.store.streamPart(stream, Number.MAX_SAFE_INTEGER)).cursor;
  }

  #scopeOf({ role, name }: RelayCaller, { limit = limits.syncBatchChanges, ...query }: FeedQuery): FeedScope {
    const { collections, nodes, agents, resources, addressed } = query;
    const declarations = query.declarations === 'true';
    const narrowed = { collections, nodes, agents, resources, declarations, limit };
    if (addressed !== undefined) return { ...narrowed, addressedTo: nodeOf(role, name) };
    const reader = role === 'node' ? { node: name, ...this.#options.shared } : undefined;
    const audience = role === 'operator' ? role : undefined;
    return { ...narrowed, reader, audience };
  }

  async #rightsOf({ role, name }: RelayCaller): Promise<FeedRights | null> {
    if (role !== 'node') return null;
    const { shared, store } = this.#options;
    const mark = await store.feed.rights({ node: name, ...shared });
    return { mark, collections: [...shared.sharedCollections] };
  }

  #placeOf(cursor: string | undefined): Place {
    const { epoch, position: end } = this.#options.store;
    if (cursor === undefined) return { position: 0, known: end };
    const [ofEpoch, at, begun = at] = cursor.split('.');
    const [position, known] = [Number(at), Number(begun)];
    if (ofEpoch === epoch && Math.max(position, known) <= end) return { position, known };
    throw new HoldfastError('feed-refetch', 'the cursor is of another life of the database');
  }

  #cursorAt({ position, known }: Place): string {
    const place = `${this.#options.store.epoch}.${position}`;
    return position < known ? `${place}.${known}` : place;
  }

  #changesOf(rows: readonly FeedRow[]): (FeedChange & Pick<FeedRow, 'position'>)[] {
    const { warnings } = this.#options;
    const { changes } = readChanges(rows.map(({ isDamaged, ...row }) => (isDamaged ? { ...row, hash: '' } : row)));
    for (const { node, agent } of rows.filter(({ isDamaged }) => isDamaged)) warnings.unreadable(node, agent, 1);
    return changes;
  }
}

function nodeOf(role: RelayCaller['role'], name: string): string {
  if (role === 'node') return name;
  const message = 'only to nodes something is addressed';
  throw new HoldfastError('invalid-request', message, { issues: [{ path: 'addressed', message }] });
}

const realAlarm: Alarm = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

/** How long somebody waits for a change. */
class Patience implements Disposable {
  /** Aborts when it is over, or its caller has left. */
  readonly ended: AbortSignal;
  readonly #disarm: () => void = () => undefined;

  constructor(waitMs: number, left: AbortSignal, alarm: Alarm = realAlarm) {
    const over = new AbortController();
    this.ended = AbortSignal.any([left, over.signal]);
    if (waitMs > 0) this.#disarm = alarm(waitMs, () => over.abort());
    else over.abort();
  }

  [Symbol.dispose](): void {
    this.#disarm();
  }
}

/** Whether the feed moved since this was made. */
class Moved implements Disposable {
  readonly #end: () => void;
  #hasMoved = false;
  #tell: () => void = () => undefined;

  constructor(listen: (callback: () => void) => () => void) {
    this.#end = listen(() => {
      this.#hasMoved = true;
      this.#tell();
    });
  }

  /** Resolves once it has or the signal ends it. */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#hasMoved || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        signal.removeEventListener('abort', settle);
        resolve();
      };
      signal.addEventListener('abort', settle, { once: true });
      this.#tell = settle;
    });
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
