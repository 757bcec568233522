import { LETTERS, MAIL } from '@holdfast/daemon/parts';

import { type Promised, STANDING } from './letter-promises.ts';
import { type Key, keyOf, type Stored } from './values.ts';
import type { World } from './world.ts';

/** What one place holds of the letters of a node's agents, those they sent and those they got, by key. */
export interface LetterPlace {
  readonly label: string;
  readonly node: string;
  readonly isRelay: boolean;
  readonly held: ReadonlyMap<Key, Stored>;
}

/** All lines, and the relay for each node; they must be up. */
export async function letterPlaces(world: World): Promise<readonly LetterPlace[]> {
  const places: LetterPlace[] = world.lines.map((line) => ({
    label: line.label,
    node: line.node,
    isRelay: false,
    held: line.heldLetters(),
  }));
  for (const node of world.nodes)
    places.push({ label: `relay of ${node}`, node, isRelay: true, held: await world.relay.heldLetters(node) });
  return places;
}

/** The key of a letter in the mail of the agent it is to. */
export function mailKeyOf({ letter: { to, resource } }: Promised, id: string): Key {
  return keyOf(to.agent, { resource, collection: MAIL, id });
}

/** How far a letter has come in a place. */
export function standingIn({ node, held }: Pick<LetterPlace, 'node' | 'held'>, promised: Promised): number {
  const { id, letter, isExpired } = promised;
  if (id === undefined) return STANDING.nowhere;
  const arrived = letter.to.node === node ? mailStanding(held.get(mailKeyOf(promised, id))) : STANDING.nowhere;
  const isSent = !isExpired && letter.from.node === node && held.has(sentKeyOf(promised, id));
  return Math.max(arrived, isSent ? STANDING.there : STANDING.nowhere);
}

/** Notes what the relay removed of letters when it removes what has expired. */
export async function whileRelayRemoves(world: World, remove: () => Promise<void>): Promise<void> {
  const before = await sentAtRelay(world);
  await remove();
  const after = new Set(await sentAtRelay(world));
  for (const promised of before) if (!after.has(promised)) world.letters?.expired(promised.letter);
  await countLetterLosses(world);
}

async function sentAtRelay(world: World): Promise<readonly Promised[]> {
  const held = new Map<string, ReadonlyMap<Key, Stored>>();
  for (const node of world.nodes) held.set(node, await world.relay.heldLetters(node));
  const isSent = (promised: Promised): boolean =>
    promised.id !== undefined && held.get(promised.letter.from.node)?.has(sentKeyOf(promised, promised.id)) === true;
  return world.letters?.all.filter(isSent) ?? [];
}

/** How far a letter has come that stands so in the mail. */
export function mailStanding(stored: Stored | undefined): number {
  if (stored === undefined) return STANDING.nowhere;
  if (stored.doc === null) return STANDING.deleted;
  return (JSON.parse(stored.doc) as { status: string }).status === 'read' ? STANDING.read : STANDING.there;
}

/** What was promised must be somewhere at any moment. Starts what is down. */
export async function assertLettersAreThere(world: World): Promise<void> {
  for (const { promised, best } of await standings(world)) {
    if (best < promised.least)
      world.violated(`${name(promised)} has come to ${promised.least}, and the best left is ${best}`);
  }
}

/** After a place was replaced by an older copy, or given up: what nothing holds any more is lost honestly. Starts what is down. */
export async function countLetterLosses(world: World): Promise<void> {
  for (const { promised, best } of await standings(world)) {
    if (best >= promised.least) continue;
    world.note('letters', `${name(promised)} was lost with its only place: ${best} is left`);
    world.letters?.lost(promised.letter, best);
  }
}

interface Standings {
  readonly promised: Promised;
  /** How far it has come anywhere. */
  readonly best: number;
}

async function standings(world: World): Promise<readonly Standings[]> {
  if (world.letters === undefined) return [];
  world.startAll();
  const places = await letterPlaces(world);
  return world.letters.all.map((promised) => ({
    promised,
    best: Math.max(...places.map((place) => standingIn(place, promised))),
  }));
}

function sentKeyOf({ letter: { from, resource } }: Promised, id: string): Key {
  return keyOf(from.agent, { resource, collection: LETTERS, id });
}

function name({ letter: { serial } }: Promised): string {
  return `letter #${serial}`;
}
