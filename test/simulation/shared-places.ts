import type { Key, Stored } from './values.ts';
import type { World } from './world.ts';

/** What one place holds of what nodes share, by key. */
interface SharedPlace {
  readonly label: string;
  readonly held: ReadonlyMap<Key, Stored>;
}

/** The lines and the relay; they must be up. */
export async function sharedPlaces(world: World): Promise<readonly SharedPlace[]> {
  const lines = world.lines.map((line) => ({ label: line.label, held: line.heldShared() }));
  return [...lines, { label: 'relay', held: await world.relay.heldShared() }];
}

/** What was promised must be somewhere at any moment. Starts what is down. */
export async function assertSharedIsThere(world: World): Promise<void> {
  for (const { key, floor, best } of await standing(world)) {
    if ((best ?? '') < floor)
      world.violated(`${key}: ${floor} was acknowledged, and the best left is ${best ?? 'nothing'}`);
  }
}

/** After a place was replaced by an older copy, or given up: what nothing holds any more is lost honestly. Starts what is down. */
export async function countSharedLosses(world: World): Promise<void> {
  for (const { key, floor, best } of await standing(world)) {
    if ((best ?? '') >= floor) continue;
    world.note('shared', `${key} was lost with its only place`);
    world.shared?.lost(key, best);
  }
}

interface Standing {
  readonly key: Key;
  /** The highest version that was promised. */
  readonly floor: string;
  /** The highest version that is anywhere. */
  readonly best: string | undefined;
}

async function standing(world: World): Promise<readonly Standing[]> {
  if (world.shared === undefined) return [];
  world.startAll();
  const places = await sharedPlaces(world);
  return world.shared.floors().map(([key, floor]) => {
    const versions = places.flatMap(({ held }) => held.get(key)?.version ?? []);
    return { key, floor, best: versions.toSorted().at(-1) };
  });
}
