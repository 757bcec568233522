import { type RetentionDemand, RetentionKeeper, type RetentionSource } from '@holdfast/http';
import type { Now, RelayConfig, RetentionAnswer, RetentionOwner, Statistics } from '@holdfast/protocol';
import { retainedAnswer, statisticsAnswer, SteadyTime, toTimestamp } from '@holdfast/store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { RelayStore } from '../storage/relay-store.ts';

/** What removing records of a relay needs. */
export interface RelayRetentionOptions {
  readonly config: Pick<RelayConfig, 'retention.hours'>;
  readonly store: RelayStore;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: Now;
}

/** Removes what agents declare to be kept on the relay no longer (protocol rule 17), from now on. */
export function keepRelayRetention({ config, store, registry, log, now }: RelayRetentionOptions): RetentionKeeper {
  const time = new SteadyTime({
    now,
    onLeap: (aheadMs) => log.warn({ aheadMs }, 'the clock leapt ahead: what is too old by it is kept for a day'),
  });
  const source: RetentionSource = {
    remove: (demand) => remove(store, demand, time.now()),
    declared: () => declaredIn(store),
  };
  const keeper = new RetentionKeeper({ source, everyHours: config['retention.hours'], registry, log, now });
  keeper.begin();
  return keeper;
}

async function remove(
  store: RelayStore,
  demand: RetentionDemand,
  nowMs: number,
): Promise<{ freed_bytes: number; agents: RetentionOwner[] }> {
  const { freedBytes, agents } = await store.retain({ ...demand, nowMs });
  return {
    freed_bytes: freedBytes,
    agents: agents.map(({ node, agent, collections }) => ({
      ...ownerOf(node),
      agent,
      waits_for: null,
      freed_bytes: 0,
      collections: collections.map(retainedAnswer),
    })),
  };
}

async function declaredIn(store: RelayStore): Promise<RetentionAnswer['declared']> {
  const collections = await store.collections();
  return collections.flatMap(({ name, declared }) =>
    declared?.retention === undefined ? [] : [{ collection: name, retention: declared.retention }],
  );
}

/** How much the collections of the network hold. */
export async function relayStatistics(store: RelayStore, nowMs: number): Promise<Statistics> {
  const figures = await store.statistics(nowMs);
  const agents = figures.map(({ node, agent, collections }) => ({
    ...ownerOf(node),
    agent,
    collections: collections.map(statisticsAnswer),
  }));
  return { at: toTimestamp(nowMs), agents };
}

/** What all nodes share is of none. */
function ownerOf(node: string): { readonly node?: string } {
  return node === '' ? {} : { node };
}
