import { MAIL, type StoredLetter } from '@holdfast/daemon/parts';
import { recordHash } from '@holdfast/store';

import { AGENTS } from './configuration.ts';
import { type LetterPlace, letterPlaces, mailKeyOf, mailStanding, standingIn } from './letter-places.ts';
import { type LetterPromises, type Promised, STANDING } from './letter-promises.ts';
import type { NodeLine } from './simulated-node.ts';
import { type Key, keyOf, type Stored } from './values.ts';
import type { World } from './world.ts';

const RESOURCES = ['', 'app:u'];
/** More letters than an agent gets in a world. */
const ALL = 500;

/**
 * The oracle of letters. Each that was acknowledged is in the mail of the agent it is to, once, as it was sent and as far as its reader has
 * come with it; nothing else is. The relay has the same of it, and the inbox shows it.
 */
export async function judgeLetters(world: World): Promise<void> {
  const { letters } = world;
  if (letters === undefined) return;
  const places = await letterPlaces(world);
  for (const { letter, id, otherId } of letters.all)
    if (otherId !== undefined) world.violated(`letter #${letter.serial} was sent twice, as ${id} and ${otherId}`);
  for (const place of places) {
    judgeMail(world, letters, place);
    for (const promised of letters.all) {
      const isExcused = isNotSentAgain(world, promised, places);
      judgeStanding(world, { promised, place, least: isExcused ? STANDING.nowhere : promised.least });
    }
  }
  for (const line of world.lines) judgeInbox(world, line);
}

/** What is in the mail was sent, to that agent, so, and is there once. */
function judgeMail(world: World, letters: LetterPromises, { label, node, held }: LetterPlace): void {
  const met = new Map<number, Key>();
  for (const [key, stored] of held) {
    if (stored.collection !== MAIL) continue;
    if (recordHash(stored) !== stored.hash) world.violated(`${label}: ${key}: wrong hash`);
    if (stored.doc === null) continue;
    const letter = JSON.parse(stored.doc) as StoredLetter;
    const serial = (letter.body as { n: number }).n;
    const other = met.get(serial);
    if (other !== undefined) world.violated(`${label}: letter #${serial} is there twice, as ${other} and ${key}`);
    met.set(serial, key);
    const wrong = wrongWith(letters.of(serial), { node, key, stored, letter });
    if (wrong !== undefined) world.violated(`${label}: letter #${serial} ${wrong}: ${stored.doc}`);
  }
}

interface Arrived {
  readonly node: string;
  readonly key: Key;
  readonly stored: Stored;
  readonly letter: StoredLetter;
}

function wrongWith(promised: Promised | undefined, { node, key, stored, letter }: Arrived): string | undefined {
  if (promised === undefined) return 'was never sent';
  const { id, letter: sent, sentAt } = promised;
  if (sent.to.node !== node || key !== mailKeyOf(promised, id ?? stored.id)) return 'stands where it is not to be';
  if (!sentAt.includes(letter.sent_at)) return 'was not sent at that time';
  const from = sent.from.node === node ? sent.from.agent : `${sent.from.agent}@${sent.from.node}`;
  const isAsSent =
    letter.from === from &&
    letter.to === sent.to.agent &&
    letter.subject === `#${sent.serial}` &&
    JSON.stringify(letter.body) === JSON.stringify({ n: sent.serial });
  return isAsSent ? undefined : 'is not as it was sent';
}

/**
 * Letters expire, and so are in no digest: where what the sender's node holds and the relay's cursor agree by mistake (see
 * `World.isParted`), nobody finds that the relay lacks one.
 */
function isNotSentAgain(world: World, promised: Promised, places: readonly LetterPlace[]): boolean {
  const isSent = ({ isRelay, ...place }: LetterPlace): boolean =>
    isRelay && standingIn(place, promised) > STANDING.nowhere;
  return world.isParted(promised.letter.from.node) && !places.some(isSent);
}

interface Judged {
  readonly promised: Promised;
  readonly place: LetterPlace;
  readonly least: number;
}

function judgeStanding(world: World, { promised, place, least }: Judged): void {
  const { label, node, held } = place;
  const { id, letter, most } = promised;
  if (letter.to.node !== node || id === undefined) return;
  const standing = mailStanding(held.get(mailKeyOf(promised, id)));
  if (standing >= least && standing <= most) return;
  const names = Object.keys(STANDING);
  world.violated(`${label}: letter #${letter.serial} is ${names[standing]}, and was promised to be ${names[least]}`);
}

/** What the inbox shows is what stands in the file. */
function judgeInbox(world: World, line: NodeLine): void {
  const live = [...line.heldLetters()].filter(([, { collection, doc }]) => collection === MAIL && doc !== null);
  const shown = AGENTS.flatMap((agent) => RESOURCES.flatMap((resource) => inboxOf(line, { agent, resource })));
  const standing = live.map(([key]) => key);
  if (shown.toSorted().join() !== standing.toSorted().join())
    world.violated(`${line.label}: the inboxes show ${shown.length} letters of ${standing.length}`);
}

function inboxOf(
  { life }: NodeLine,
  { agent, resource }: { readonly agent: string; readonly resource: string },
): Key[] {
  const { letters } = life?.post.inbox({ agent, resource }, { limit: ALL }) ?? { letters: [] };
  return letters.map(({ id }) => keyOf(agent, { resource, collection: MAIL, id }));
}
