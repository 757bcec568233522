import { FeedFollower, type FeedFollowerOptions, type FollowStatus } from './feed-follower.ts';
import type { RelaySource } from './relay-loop.ts';

/** A part of the feed to follow: where it is kept, and what the log calls it. */
export type Followed = Pick<FeedFollowerOptions, 'sink' | 'what'>;

/** What every node follows: what all share, and what is addressed to its agents. */
export type FollowedName = 'shared' | 'addressed';

/** All that the node follows of the feed, each part by a request of its own that waits at the relay. */
export class Followers {
  readonly #options: Omit<FeedFollowerOptions, keyof Followed>;
  readonly #followers = new Map<string, FeedFollower>();
  #source: RelaySource | undefined;

  constructor(options: Omit<FeedFollowerOptions, keyof Followed>) {
    this.#options = options;
  }

  /** How far a part is followed; `off` for one that is not. */
  statusOf(name: string): FollowStatus {
    return this.#followers.get(name)?.status ?? { state: 'off', caughtUpMs: null };
  }

  /** Follows a part, under a name that is not taken: at once if the link is open. */
  follow(name: string, followed: Followed): void {
    if (this.#followers.has(name)) throw new Error(`"${name}" is followed already`);
    const follower = new FeedFollower({ ...this.#options, ...followed });
    this.#followers.set(name, follower);
    if (this.#source !== undefined) follower.open(this.#source);
  }

  /** Follows a part no more; nothing of it is kept any more when it resolves. */
  async unfollow(name: string): Promise<void> {
    const follower = this.#followers.get(name);
    this.#followers.delete(name);
    await follower?.stop();
  }

  /** The link is open. May be called while it is. */
  open(source: RelaySource): void {
    this.#source = source;
    for (const follower of this.#followers.values()) follower.open(source);
  }

  /** The link is not open any more. */
  hold(): void {
    this.#source = undefined;
    for (const follower of this.#followers.values()) follower.hold();
  }

  /** Follows nothing until the link is open again; nothing is kept any more when it resolves. */
  async stop(): Promise<void> {
    this.#source = undefined;
    await Promise.all([...this.#followers.values()].map((follower) => follower.stop()));
  }
}
