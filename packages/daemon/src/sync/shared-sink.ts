import { type FeedPage, SHARED_AGENT } from '@holdfast/protocol';
import type { AgentStore, TakenIn } from '@holdfast/store';

import type { FeedPlace, FeedSink } from './feed-follower.ts';

/** Where what all nodes share is kept on this one. */
export interface SharedFile {
  /** Undefined while nothing was ever shared here. To be used at once. */
  found(): AgentStore | undefined;
  /** Makes the file if there is none. To be used at once. */
  made(): AgentStore;
  /** Records came from other nodes. */
  onTaken(taken: TakenIn): void;
}

/** Keeps what all nodes share (protocol rule 14). Until something was shared there is no file for it. */
export class SharedSink implements FeedSink {
  readonly #shared: SharedFile;
  /** Where it stands while there is no file to note it in. */
  #cursor: string | undefined;

  constructor(shared: SharedFile) {
    this.#shared = shared;
  }

  next(): FeedPlace {
    const store = this.#shared.found();
    const standing = store?.feed.intake.standing;
    // The node's own stream too, to hear how far the relay has it.
    const own = store === undefined ? {} : { incarnation: store.incarnation };
    return {
      part: { agents: [SHARED_AGENT], ...own },
      after: standing === undefined ? this.#cursor : (standing.cursor ?? undefined),
      isStartingOver: standing?.isStartingOver === true,
    };
  }

  async take(page: FeedPage): Promise<void> {
    if (page.changes.length > 0 || this.#shared.found() !== undefined) await this.#keep(page);
    else this.#cursor = page.cursor;
  }

  async startOver(): Promise<void> {
    this.#cursor = undefined;
    await this.#shared.found()?.feed.intake.startOver();
  }

  async #keep(page: FeedPage): Promise<void> {
    const shared = this.#shared;
    const { intake } = shared.made().feed;
    shared.onTaken(await intake.take(page));
    if (page.more || !intake.standing.isStartingOver || page.stream === null) return;
    for (let more = true; more;) {
      const settled = await shared.made().feed.intake.finish(page.stream);
      shared.onTaken(settled);
      more = settled.more;
    }
  }
}
