import { setImmediate as nextTurn } from 'node:timers/promises';

import {
  builtInCollection,
  type ConfiguredSubscriptions,
  HoldfastError,
  isHoldfastError,
  limits,
  type Now,
  SHARED_AGENT,
  type Subscription,
  type SubscriptionScope,
  type SubscriptionStanding,
} from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

import type { NodeDatabase } from '../../storage/node-database.ts';
import type { ReplicaFile } from '../../storage/replica/replica-file.ts';
import type { Followers } from '../../sync/followers.ts';
import { ReplicaSink } from '../../sync/replica-sink.ts';

/** What subscriptions are made of. */
export interface SubscriptionsOptions {
  /** Those of the configuration. They go before others of the same name. */
  readonly configured: ConfiguredSubscriptions;
  readonly database: Pick<NodeDatabase, 'subscriptions' | 'putSubscription' | 'removeSubscription'>;
  readonly file: ReplicaFile;
  readonly followers: Followers;
  /** Throws while the disk takes no writes. */
  readonly assertRoom: () => void;
  readonly now: Now;
  readonly log: Logger;
}

/** What the node keeps a copy of: of its configuration, and as it was told by calls. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  /** One change at a time. */
  readonly #turns = new PQueue({ concurrency: 1 });
  #scopes: ReadonlyMap<string, SubscriptionScope> = new Map();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Begins to follow all there are. Whatever is wrong with the file keeps nothing else from working. */
  begin(): void {
    this.#scopes = this.#wanted();
    try {
      this.#options.file.want(this.#scopes);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      this.#options.log.warn({ code: error.code }, 'what this node subscribed to cannot be kept; it is tried again');
    }
    for (const [name, scope] of this.#scopes) this.#follow(name, scope);
    void this.#turns.add(() => this.#prune()).catch((error: unknown) => this.#onLeftOver(error));
  }

  /** What each is of, by name. */
  get scopes(): ReadonlyMap<string, SubscriptionScope> {
    return this.#scopes;
  }

  /** All, by name, with how far each is. */
  list(): Subscription[] {
    return [...this.#scopes.keys()].map((name) => this.#describe(name));
  }

  /** How far one is. */
  standing(name: string): SubscriptionStanding {
    const { startedOverAt, caughtUpMs } = this.#reading(name);
    const followed = this.#options.followers.statusOf(keyOf(name));
    if (startedOverAt !== null && followed.state !== 'off')
      return { name, state: 'starting-over', caught_up_at: timestampOrNull(caughtUpMs) };
    const latestMs = startedOverAt === null ? Math.max(caughtUpMs ?? 0, followed.caughtUpMs ?? 0) : caughtUpMs;
    return { name, state: followed.state, caught_up_at: timestampOrNull(latestMs === 0 ? null : latestMs) };
  }

  /** Since when the node may not have all there is of one; 0 while it has, null: it never had. */
  behindSeconds(name: string): number | null {
    const { state, caught_up_at: caughtUpAt } = this.standing(name);
    if (caughtUpAt === null) return null;
    return state === 'following' ? 0 : Math.max(0, (this.#options.now() - Date.parse(caughtUpAt)) / 1000);
  }

  /** Whether the node ever had all there was of one. */
  hasBeenWhole(name: string): boolean {
    return this.#reading(name).caughtUpMs !== null;
  }

  /**
   * Makes one, or gives it another scope. Resolves once it is followed, and what is left over of another scope is gone. Throws
   * `subscription-configured`, `too-many-subscriptions`, and `invalid-request` for a collection that all nodes share.
   */
  put(name: string, scope: SubscriptionScope): Promise<Subscription> {
    assertNoneShared(scope);
    return this.#turn(async () => {
      this.#assertOfCalls(name);
      const known = this.#scopes.get(name);
      if (known === undefined && this.#scopes.size >= limits.subscriptions) {
        const message = `this node has ${limits.subscriptions} subscriptions`;
        throw new HoldfastError('too-many-subscriptions', message);
      }
      if (JSON.stringify(known) !== JSON.stringify(scope)) {
        this.#options.assertRoom();
        this.#options.database.putSubscription(name, scope);
        await this.#changed(name);
      }
      return this.#describe(name);
    });
  }

  /** Ends one; what no other covers is gone when it resolves. Throws `subscription-not-found`, `subscription-configured`. */
  remove(name: string): Promise<void> {
    return this.#turn(async () => {
      this.#assertOfCalls(name);
      if (!this.#scopes.has(name)) throw new HoldfastError('subscription-not-found', `there is no "${name}"`);
      this.#options.database.removeSubscription(name);
      await this.#changed(name);
    });
  }

  /** Removes what has expired. */
  async sweep(): Promise<void> {
    const { file, now } = this.#options;
    while (file.tryUse((tables) => tables.sweep(now())) === true) await nextTurn();
  }

  /** Waits for the change under way. */
  async stop(): Promise<void> {
    await this.#turns.onIdle();
  }

  async #changed(name: string): Promise<void> {
    const { file, followers } = this.#options;
    await followers.unfollow(keyOf(name));
    this.#scopes = this.#wanted();
    try {
      file.want(this.#scopes);
      await this.#prune();
    } finally {
      // What cannot be kept now is tried again.
      const scope = this.#scopes.get(name);
      if (scope !== undefined) this.#follow(name, scope);
    }
  }

  async #prune(): Promise<void> {
    while (this.#options.file.tryUse((tables) => tables.prune()) === true) await nextTurn();
  }

  #wanted(): Map<string, SubscriptionScope> {
    const { configured, database } = this.#options;
    const all = new Map([...database.subscriptions(), ...Object.entries(configured)]);
    return new Map([...all].toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  #follow(name: string, scope: SubscriptionScope): void {
    const { file, followers, assertRoom, now, log } = this.#options;
    const sink = new ReplicaSink({ name, scope, file, assertRoom, now, log });
    followers.follow(keyOf(name), { sink, what: `the subscription "${name}"` });
  }

  #describe(name: string): Subscription {
    const { configured, file } = this.#options;
    const scope = this.#scopes.get(name) as SubscriptionScope;
    return {
      ...this.standing(name),
      ...scope,
      origin: Object.hasOwn(configured, name) ? 'configuration' : 'call',
      behind_seconds: this.behindSeconds(name),
      records: file.tryUse((tables) => tables.countOf(scope)) ?? 0,
    };
  }

  #reading(name: string): { readonly startedOverAt: number | null; readonly caughtUpMs: number | null } {
    return this.#options.file.tryUse((tables) => tables.reading(name)) ?? { startedOverAt: null, caughtUpMs: null };
  }

  #assertOfCalls(name: string): void {
    if (!Object.hasOwn(this.#options.configured, name)) return;
    throw new HoldfastError('subscription-configured', `"${name}" stands in the configuration of this node`);
  }

  async #turn<Result>(run: () => Promise<Result>): Promise<Result> {
    return this.#turns.add(run);
  }

  #onLeftOver(error: unknown): void {
    this.#options.log.warn({ err: error }, 'records that no subscription covers could not be removed');
  }
}

/** Under which name the feed is followed for a subscription: none that anything else is followed under. */
function keyOf(name: string): string {
  return `subscription ${name}`;
}

/** What all nodes share is on every node already. */
function assertNoneShared({ collections, agents }: SubscriptionScope): void {
  const shared = collections.find((name) => builtInCollection(name)?.conflict === 'shared');
  if (shared !== undefined) throw refused('collections', `"${shared}" is shared by all nodes, and on this one already`);
  if (agents?.includes(SHARED_AGENT)) throw refused('agents', 'what all nodes share is on this one already');
}

function refused(path: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', `${path}: ${message}`, { issues: [{ path, message }] });
}

function timestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}
