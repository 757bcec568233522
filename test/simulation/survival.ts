import { isShortLived, type Key, nothing, type Stored, type Write } from './values.ts';
import type { World } from './world.ts';

/** What one place holds, by key. */
type Held = ReadonlyMap<Key, Stored>;

/**
 * After a place was replaced by an older copy, or given up: whatever nothing holds any more is lost honestly, for the only
 * place that had it is gone. The latest that is left may be seen then, or a later one that is still on its way to the relay.
 * Everything else is expected as before. Of a record that two lines wrote (`contested`) none is the latest: when one write is
 * lost, any that is left may win. Starts what is down.
 */
export async function countLosses(world: World, node: string, contested: ReadonlySet<Key> = new Set()): Promise<void> {
  world.startAll();
  const lines = world.linesOf(node);
  const places: readonly Held[] = [...lines.map((line) => line.held()), await world.onRelay(node)];
  const onTheWay = world.network.changesOnTheWay(node);
  for (const { expectations, label } of lines) {
    for (const key of expectations.keys) {
      if (isShortLived(key)) continue;
      const left = places.map((held) => writeBehind(world, node, key, held.get(key)));
      const best = left.toSorted((one, other) => other.serial - one.serial)[0] ?? nothing(key);
      const possible = expectations.possible(key);
      const isLeft = ({ serial }: Write): boolean => left.some((write) => write.serial === serial);
      if (contested.has(key) ? possible.every(isLeft) : possible.some(({ serial }) => serial === best.serial)) continue;
      world.note(label, `${key} was lost with its only place: #${best.serial} is left`);
      const arriving = onTheWay
        .filter((change) => change.key === key)
        .map(({ stored }) => writeBehind(world, node, key, stored))
        .filter(({ serial }) => serial > best.serial);
      for (const write of [...(contested.has(key) ? left : [best]), ...arriving]) expectations.lost(write);
    }
  }
}

/** Which write made what stands somewhere. That nobody asked for it breaks a promise. */
export function writeBehind(world: World, node: string, key: Key, stored: Stored | undefined): Write {
  if (stored === undefined) return nothing(key);
  const write =
    stored.doc === null
      ? world.deletions.behind(node, key, stored)
      : world.writes.get((JSON.parse(stored.doc) as { n: number }).n);
  if (write?.key === key) return write;
  world.violated(`${node}: nobody wrote what stands under ${key}`);
  return nothing(key);
}
