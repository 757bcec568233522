import { join } from 'node:path';

import type { HoldfastRelay } from '@holdfast/client';

import type { FillPlan, FillResult } from './fill-plan.ts';
import { type BenchService, startRelay } from './services.ts';
import type { Surroundings } from './surroundings.ts';

/** Nodes whose records are on the relay. */
const NODES = 20;

/** A relay that holds records, and how long they took to get there. */
export interface FilledRelay {
  readonly relay: BenchService<HoldfastRelay>;
  readonly path: string;
  readonly fill: FillResult;
}

/** Prepares a relay, fills its database in another process, and starts it. */
export async function startFilledRelay(
  surroundings: Surroundings,
  name: string,
  what: Pick<FillPlan, 'records' | 'kind'>,
): Promise<FilledRelay> {
  const directory = join(surroundings.directory, name);
  (await import('@holdfast/relay')).initRelay(directory);
  const path = join(directory, 'relay.db');
  const plan: FillPlan = { path, nodes: NODES, ...what };
  const fill = await surroundings.run<FillResult>('fill-relay', plan);
  return { relay: await startRelay(surroundings, { name }), path, fill };
}
