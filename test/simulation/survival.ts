import { isShortLived, type Key, nothing, type Stored, type Write } from './values.ts';
import type { World } from './world.ts';

/** What one place holds, by key. */
type Held = ReadonlyMap<Key, Stored>;

/**
 * After a place was replaced by an older copy, or given up: whatever nothing holds any more is lost honestly, for the only
 * place that had it is gone. What is left of it may be seen then. Everything else is expected as before. Starts what is
 * down.
 */
export async function countLosses(world: World, node: string): Promise<void> {
  world.startAll();
  const lines = world.linesOf(node);
  const places: readonly Held[] = [...lines.map((line) => line.held()), await world.onRelay(node)];
  for (const { expectations, label } of lines) {
    for (const key of expectations.keys) {
      if (isShortLived(key)) continue;
      const left = places.map((held) => writeBehind(world, key, held.get(key)));
      const possible = expectations.possible(key);
      if (left.some((write) => possible.some((one) => isSame(one, write)))) continue;
      const best = left.toSorted((one, other) => other.serial - one.serial)[0] ?? nothing(key);
      world.note(label, `${key} was lost with its only place: #${best.serial} is left`);
      expectations.lost(best);
    }
  }
}

/** Which write made what stands somewhere. */
export function writeBehind(world: World, key: Key, stored: Stored | undefined): Write {
  if (stored === undefined) return nothing(key);
  const serial =
    stored.doc === null ? world.tombstones.get(stored.version) : (JSON.parse(stored.doc) as { n: number }).n;
  const known = serial === undefined ? undefined : world.writes.get(serial);
  // A deletion nobody was told of, or one that got another version: the latest there was.
  return known ?? latestDeletion(world, key) ?? nothing(key);
}

function latestDeletion(world: World, key: Key): Write | undefined {
  return [...world.writes.values()].findLast((write) => write.key === key && write.text === null);
}

function isSame(one: Write, other: Write): boolean {
  return one.serial === other.serial;
}
