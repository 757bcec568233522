import { checkFile, digestText, recordHash } from '@holdfast/store';

import { AGENTS } from './configuration.ts';
import { judgeCopies } from './copy-judge.ts';
import { judgeLetters } from './letter-judge.ts';
import { judgeMessages } from './message-judge.ts';
import { judgeShared } from './shared-judge.ts';
import type { NodeLine } from './simulated-node.ts';
import { writeBehind } from './survival.ts';
import { expires, isShortLived, type Key, type Stored, textIn, type Write } from './values.ts';
import type { World } from './world.ts';

/**
 * The conservation oracle. Every write that was acknowledged, and neither superseded nor lost with its only place, is on the
 * relay once and readable on its node, byte by byte; nothing else is; and all that is counted is what counting gives.
 */
export async function judge(world: World): Promise<void> {
  for (const node of world.nodes) {
    const onRelay = await world.onRelay(node);
    for (const line of world.linesOf(node)) {
      judgeRecords(world, line, onRelay);
      await judgeDigests(world, line);
    }
  }
  await judgeShared(world);
  await judgeMessages(world);
  await judgeLetters(world);
  await judgeCopies(world);
  await judgeFiles(world);
}

function judgeRecords(world: World, line: NodeLine, onRelay: ReadonlyMap<Key, Stored>): void {
  const held = line.held();
  const { expectations } = line;
  for (const key of new Set([...expectations.keys, ...held.keys(), ...onRelay.keys()])) {
    const possible = expectations.possible(key);
    const [here, there] = [held.get(key), onRelay.get(key)];
    const say = (stored: Stored | undefined): string => described(writeBehind(world, line.node, key, stored), stored);
    for (const stored of [here, there]) {
      if (stored !== undefined && recordHash(stored) !== stored.hash)
        world.violated(`${line.label}: ${key}: wrong hash`);
    }
    if (isShortLived(key) || (expires(key) && world.isParted(line.node))) {
      if (![here, there].every((stored) => textIn(stored) === writeBehind(world, line.node, key, stored).text)) {
        world.violated(`${line.label}: ${key} was never written: ${say(here)}, ${say(there)}`);
      }
      continue;
    }
    const isRemoved = world.removed.isExcused(line.node, key, { here, there, isParted: world.isParted(line.node) });
    const said = `${key}: expected ${possible.map(name).join(' or ')}; node ${say(here)}, relay ${say(there)}`;
    if (isRemoved) {
      const left = here ?? there;
      if (left !== undefined && !isPossible(possible, left)) world.violated(`${line.label}: lost ${said}`);
    } else if (!isPossible(possible, here)) world.violated(`${line.label}: lost ${said}`);
    else if (possible.some(({ isPoison, text }) => isPoison && text === textIn(here)))
      judgeRefused(world, line, key, there);
    else if (!isSameRecord(here, there)) world.violated(`${line.label}: differs ${said}`);
    judgeReading(world, line, key, here);
  }
}

/** What the relay refused is here alone; there an older write may stand. */
function judgeRefused(world: World, line: NodeLine, key: Key, there: Stored | undefined): void {
  const behind = writeBehind(world, line.node, key, there);
  if (behind.isPoison) world.violated(`${line.label}: ${key}: the relay took what it has to refuse`);
}

/** What agents read is what stands in the file. */
function judgeReading(world: World, { life, label }: NodeLine, key: Key, here: Stored | undefined): void {
  const [agent = '', resource = '', collection = '', id = ''] = key.split(' ');
  const read = life?.files.get(agent).read(resource, collection, id);
  if ((read?.text ?? null) !== (here?.doc ?? null)) world.violated(`${label}: ${key} reads otherwise than it stands`);
}

function isPossible(possible: readonly Write[], stored: Stored | undefined): boolean {
  return possible.some(({ text }) => text === textIn(stored));
}

function isSameRecord(one: Stored | undefined, other: Stored | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.hash === other.hash && one.doc === other.doc && one.version === other.version;
}

function name({ serial, text }: Write): string {
  return text === undefined ? 'nothing' : `#${serial}${text === null ? ' deleted' : ''}`;
}

function described(behind: Write, stored: Stored | undefined): string {
  return `${name(behind)}${stored === undefined ? '' : ` (${stored.version.slice(0, 17)})`}`;
}

async function judgeDigests(world: World, { node, label, life }: NodeLine): Promise<void> {
  const streams = new Map((await world.relay.digests(node)).map(({ agent, digest }) => [agent, digest]));
  for (const agent of AGENTS) {
    const { counters } = life?.files.get(agent) ?? {};
    const there = streams.get(agent);
    if (counters === undefined || there === undefined) continue;
    const here = digestText(counters.digest);
    if (here !== there) world.violated(`${label}: digest of ${agent} is ${here} here and ${there} at the relay`);
  }
}

async function judgeFiles(world: World): Promise<void> {
  for (const line of world.lines) {
    for (const agent of line.life?.agents ?? AGENTS)
      await judgeFile(world, `${line.label}/${agent}`, line.pathOf(agent), 'agent');
  }
  await judgeFile(world, 'relay', world.relay.databasePath, 'relay');
}

async function judgeFile(world: World, who: string, path: string, kind: 'agent' | 'relay'): Promise<void> {
  const { state, problems, error } = await checkFile(path, kind);
  if (state === 'sound') return;
  world.violated(`${who} is ${state}: ${problems.map(({ detail }) => detail).join('; ')}${error ?? ''}`);
}
