import { setImmediate as nextTurn } from 'node:timers/promises';

import type { FeedPage, Now, SubscriptionScope } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { ReplicaFile } from '../storage/replica/replica-file.ts';
import type { FeedPlace, FeedSink } from './feed-follower.ts';

/** What keeping a subscription needs. */
export interface ReplicaSinkOptions {
  readonly name: string;
  readonly scope: SubscriptionScope;
  readonly file: ReplicaFile;
  /** Throws while the disk takes no writes. */
  readonly assertRoom: () => void;
  readonly now: Now;
  readonly log: Logger;
}

/** Keeps what a subscription brings (protocol rule 14), with what is declared of its collections. */
export class ReplicaSink implements FeedSink {
  readonly #options: ReplicaSinkOptions;
  /** After which cursor a page was asked for last. */
  #askedAfter: string | null = null;

  constructor(options: ReplicaSinkOptions) {
    this.#options = options;
  }

  next(): FeedPlace {
    const { name, scope, file } = this.#options;
    const { cursor, startedOverAt } = file.use((tables) => tables.reading(name));
    this.#askedAfter = cursor;
    return {
      part: { ...scope, declarations: true },
      after: cursor ?? undefined,
      isStartingOver: startedOverAt !== null,
    };
  }

  async take(page: FeedPage): Promise<void> {
    const { name, scope, file, assertRoom, now, log } = this.#options;
    if (page.changes.length > 0) assertRoom();
    // The file may have been made anew since: a page from the middle of the feed is then not what comes next.
    if (file.use((tables) => tables.reading(name)).cursor !== this.#askedAfter) return;
    const isKept = file.use((tables) => tables.take(name, page, now()));
    if (!isKept) log.info(`this node may read more or less than before: "${name}" is read from the beginning`);
    if (!isKept || page.more) return;
    while (file.use((tables) => tables.finish(name, scope, now()))) await nextTurn();
  }

  async startOver(): Promise<void> {
    const { name, file } = this.#options;
    file.use((tables) => tables.startOver(name));
  }
}
