import { FeedFollower, type FeedFollowerOptions, type FollowStatus } from './feed-follower.ts';
import type { RelaySource } from './relay-loop.ts';

/** What a node follows. */
export type FollowedName = 'shared' | 'addressed';

/** A part of the feed that comes to the node. */
export interface Followed extends Pick<FeedFollowerOptions, 'sink' | 'what'> {
  readonly name: FollowedName;
}

/** All that comes to a node by the feed, each part followed for itself. */
export class Followers {
  readonly #followers: ReadonlyMap<FollowedName, FeedFollower>;

  constructor(followed: readonly Followed[], surroundings: Omit<FeedFollowerOptions, 'sink' | 'what'>) {
    this.#followers = new Map(
      followed.map(({ name, sink, what }) => [name, new FeedFollower({ ...surroundings, sink, what })]),
    );
  }

  /** How far a part is followed. */
  status(name: FollowedName): FollowStatus {
    return this.#followers.get(name)?.status ?? { state: 'off', caughtUpMs: null };
  }

  /** See `FeedFollower.open`. */
  open(source: RelaySource): void {
    for (const follower of this.#followers.values()) follower.open(source);
  }

  /** See `FeedFollower.hold`. */
  hold(): void {
    for (const follower of this.#followers.values()) follower.hold();
  }

  /** See `FeedFollower.stop`. */
  async stop(): Promise<void> {
    await Promise.all([...this.#followers.values()].map((follower) => follower.stop()));
  }
}
