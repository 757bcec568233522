import {
  HoldfastError,
  type NetworkQuery,
  type Now,
  type Record as PublicRecord,
  type ReplicaAnswer,
  type SubscriptionScope,
} from '@holdfast/protocol';
import { opens } from '@holdfast/network';

import type { ReplicaFile } from '../../storage/replica/replica-file.ts';
import { type Asker, narrowed } from '../asker.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Before the page tokens of the replica: whoever goes on with one goes on there, also once the relay is back. */
const TOKEN_MARK = 'replica.';

/** What reading copies needs. */
export interface ReplicaOptions {
  readonly subscriptions: Pick<Subscriptions, 'scopes' | 'standing' | 'hasBeenWhole'>;
  readonly file: ReplicaFile;
  readonly now: Now;
}

/** One record of the replica, and whose: of those that are not said, whoever wrote last. */
export interface ReplicaKey {
  readonly collection: string;
  readonly id: string;
  readonly node?: string | undefined;
  readonly agent?: string | undefined;
}

/** Reads the copies this node keeps of what other agents wrote. Needs no relay. */
export class Replica {
  readonly #options: ReplicaOptions;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** Whether a page token is of the replica. */
  isTokenOf(after: string | undefined): boolean {
    return after?.startsWith(TOKEN_MARK) === true;
  }

  /** Whether a subscription brings all that somebody can be shown of a query, and the node had all of it at least once. */
  covers(query: NetworkQuery, asker: Asker): boolean {
    const subscriptions = this.#subscriptions;
    const wish = this.#seen(query, asker);
    return [...subscriptions.scopes].some(([name, scope]) => isWithin(wish, scope) && subscriptions.hasBeenWhole(name));
  }

  /**
   * Answers a query from the replica. The node's admin, who names no agent, reads all of it; an agent its own resource, of its own agent
   * and of shared collections. Throws `not-subscribed` when no subscription is of the collection, and like `ReplicaFile.query`.
   */
  async query(query: NetworkQuery, asker: Asker, signal?: AbortSignal): Promise<ReplicaAnswer> {
    const names = this.#touching(query.collection);
    const { after, freshness: _freshness, ...rest } = narrowed(query, asker);
    const { file, now } = this.#options;
    const view = { nowMs: now(), agent: asker.agent };
    const from = after?.startsWith(TOKEN_MARK) === true ? after.slice(TOKEN_MARK.length) : after;
    const result = await file.query({ ...rest, ...(from !== undefined && { after: from }) }, view, signal);
    const subscriptions = names.map((name) => this.#subscriptions.standing(name));
    if (!('records' in result)) return { ...result, from: 'replica', subscriptions } as ReplicaAnswer;
    const next = result.next === null ? null : TOKEN_MARK + result.next;
    return { records: [...result.records], next, from: 'replica', subscriptions };
  }

  /** Reads a record from the replica. Throws like `query`, and `record-not-found`. */
  async read({ collection, id, node, agent }: ReplicaKey, asker: Asker): Promise<PublicRecord> {
    const answer = await this.query(
      {
        collection,
        where: { id },
        orderBy: [{ updated_at: 'desc' }],
        limit: 1,
        ...(node !== undefined && { nodes: [node] }),
        ...(agent !== undefined && { agents: [agent] }),
      },
      asker,
    );
    const [record] = 'records' in answer ? answer.records : [];
    if (record === undefined)
      throw new HoldfastError('record-not-found', `there is no ${collection}/${id} in the replica`);
    return record;
  }

  get #subscriptions(): ReplicaOptions['subscriptions'] {
    return this.#options.subscriptions;
  }

  #touching(collection: string | undefined): string[] {
    const all = [...this.#subscriptions.scopes];
    const touching = all.filter(([, { collections }]) => collection === undefined || collections.includes(collection));
    if (touching.length > 0) return touching.map(([name]) => name);
    const what = collection === undefined ? 'anything' : `"${collection}"`;
    throw new HoldfastError('not-subscribed', `this node does not subscribe to ${what}`);
  }

  /** A query narrowed to what somebody can be shown of it. */
  #seen(query: NetworkQuery, asker: Asker): NetworkQuery {
    const wish = narrowed(query, asker);
    const { agent } = asker;
    const shared = this.#options.file.tryUse(({ sharedCollections }) => sharedCollections) ?? [];
    if (agent === null || (wish.collection !== undefined && opens(shared, wish.collection))) return wish;
    return { ...wish, agents: [agent] };
  }
}

function isWithin({ collection, nodes, agents, resources }: NetworkQuery, scope: SubscriptionScope): boolean {
  return (
    collection !== undefined &&
    scope.collections.includes(collection) &&
    isPart(nodes, scope.nodes) &&
    isPart(agents, scope.agents) &&
    isPart(resources, scope.resources)
  );
}

function isPart(wished: readonly string[] | undefined, all: readonly string[] | undefined): boolean {
  return all === undefined || (wished !== undefined && wished.every((name) => all.includes(name)));
}
