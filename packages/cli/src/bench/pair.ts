import type { Holdfast, HoldfastRelay } from '@holdfast/client';

import { type BenchService, enrol, startNode, startRelay } from './services.ts';
import type { Surroundings } from './surroundings.ts';

/** A daemon enrolled at a relay, each in its process. */
export interface Pair {
  readonly node: BenchService<Holdfast>;
  readonly relay: BenchService<HoldfastRelay>;
  stop(): Promise<void>;
}

/** Starts a relay and a daemon and enrols it. `name` begins the names of their directories. */
export async function startPair(surroundings: Surroundings, name: string): Promise<Pair> {
  const relay = await startRelay(surroundings, { name: `${name}-relay` });
  const node = await startNode(surroundings, { name: `${name}-node` });
  await enrol(node, relay);
  const stop = async (): Promise<void> => {
    await Promise.all([stopService(node), stopService(relay)]);
  };
  return { node, relay, stop };
}

/** Ends a service and its client. */
export async function stopService(service: BenchService<Holdfast> | BenchService<HoldfastRelay>): Promise<void> {
  await service.client.close();
  await service.stop();
}
