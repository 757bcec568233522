import type { ConfiguredSubscriptions, SubscriptionScope } from '@holdfast/protocol';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';

import { AGENTS, COLLECTION, NODES } from './configuration.ts';

/** Worlds in which nodes keep copies of what agents of others write. */
const SHARE_OF_WORLDS = 0.2;

/**
 * What each node of the world of a seed keeps a copy of, beside what it is told to by calls; undefined where none are kept. Drawn from
 * randomness of its own: all other worlds stay what they were.
 */
export function copiesIn(seed: number): ConfiguredSubscriptions | undefined {
  const random = seededRandom(seed + 4_000_000_007);
  return random.next() < SHARE_OF_WORLDS ? { configured: drawnScope(random) } : undefined;
}

/** All that agents write, or a part of it. */
export function drawnScope(random: SeededRandom): SubscriptionScope {
  const narrowed: readonly Omit<SubscriptionScope, 'collections'>[] = [
    {},
    {},
    { agents: [random.pick(AGENTS)] },
    { nodes: [random.pick(NODES)] },
    { resources: ['app:u'] },
  ];
  return { collections: [COLLECTION], ...random.pick(narrowed) };
}
