import { isHoldfastError } from '@holdfast/protocol';
import { recordHash } from '@holdfast/store';

import { AGENTS } from './configuration.ts';
import { sharedPlaces } from './shared-places.ts';
import type { SharedPromises } from './shared-promises.ts';
import type { NodeLine } from './simulated-node.ts';
import type { Key, Stored } from './values.ts';
import type { World } from './world.ts';

/**
 * The oracle of what all nodes share. Of each key the relay holds what was acknowledged with the highest version, or what was written
 * with a higher one; every node holds the same, byte by byte, and its agents read it. A deletion may be remembered or not: it was not
 * there, or is not any more.
 */
export async function judgeShared(world: World): Promise<void> {
  const { shared } = world;
  if (shared === undefined) return;
  const places = await sharedPlaces(world);
  const floors = new Map(shared.floors());
  const keys = new Set([...floors.keys(), ...places.flatMap(({ held }) => [...held.keys()])]);
  for (const key of keys) {
    const isWeak = shared.isWeak(key, world.relay.timesPutBack > 0);
    for (const { label, held } of places) judgeRecord(world, shared, { label, key, stored: held.get(key), isWeak });
    if (isWeak) continue;
    const there = places.find(({ label }) => label === 'relay')?.held.get(key);
    const floor = floors.get(key);
    if (floor !== undefined && (there?.version ?? '') < floor)
      world.violated(`relay: ${key}: ${floor} was acknowledged, and there is ${described(there)}`);
    for (const { label, held } of places) {
      const here = held.get(key);
      if (!isSame(here, there))
        world.violated(`${label}: ${key}: here ${described(here)}, on the relay ${described(there)}`);
    }
    for (const line of world.lines) judgeReading(world, line, key, there);
  }
}

/** A record in one place. */
interface Judged {
  readonly label: string;
  readonly key: Key;
  readonly stored: Stored | undefined;
  /** See `SharedPromises.isWeak`. */
  readonly isWeak: boolean;
}

function judgeRecord(world: World, shared: SharedPromises, { label, key, stored, isWeak }: Judged): void {
  if (stored === undefined) return;
  if (recordHash(stored) !== stored.hash) world.violated(`${label}: ${key}: wrong hash`);
  const wrong = shared.wrongWith(key, stored, isWeak);
  if (wrong !== undefined) world.violated(`${label}: ${key}: ${wrong}`);
}

function isSame(one: Stored | undefined, other: Stored | undefined): boolean {
  if (one === undefined || other === undefined) return (one ?? other)?.deleted ?? true;
  return one.hash === other.hash && one.doc === other.doc && one.version === other.version;
}

/** What agents read is what the relay has, whichever of them asks. */
function judgeReading(world: World, { life, label }: NodeLine, key: Key, there: Stored | undefined): void {
  const [, resource = '', collection = '', id = ''] = key.split(' ');
  for (const agent of AGENTS) {
    let text: string | null = null;
    try {
      text = life?.records.read({ agent, resource }, collection, id).text ?? null;
    } catch (error) {
      if (!isHoldfastError(error, 'record-not-found')) throw error;
    }
    if (text !== (there?.doc ?? null)) world.violated(`${label}: ${agent} reads ${key} otherwise than it stands`);
  }
}

function described(stored: Stored | undefined): string {
  return stored === undefined ? 'nothing' : `${stored.version} ${stored.doc ?? 'deleted'}`;
}
