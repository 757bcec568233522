import { assertLettersAreThere, countLetterLosses } from './letter-places.ts';
import { assertSharedIsThere, countSharedLosses } from './shared-places.ts';
import type { World } from './world.ts';

/** Of what goes from node to node: what was promised must be somewhere at any moment. Starts what is down. */
export async function assertCarriedIsThere(world: World): Promise<void> {
  await assertSharedIsThere(world);
  await assertLettersAreThere(world);
}

/** After a place was replaced by an older copy, or given up: of what goes from node to node, what nothing holds any more is lost honestly. */
export async function countCarriedLosses(world: World): Promise<void> {
  await countSharedLosses(world);
  await countLetterLosses(world);
}
