import { DECLARATIONS, type SubscriptionScope } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';

import type { NodeLine } from './simulated-node.ts';
import { writeBehind } from './survival.ts';
import { isShortLived, type Key, keyOf, type Stored } from './values.ts';
import type { World } from './world.ts';

/** What the log says when a subscription is read from the beginning. */
const BEGUN_ANEW = 'the feed does not go on from here: the subscription';

/** A record of an agent of a node, in a copy or at the relay. */
interface Owned {
  readonly node: string;
  readonly agent: string;
  readonly key: Key;
  readonly stored: Pick<Stored, 'resource' | 'collection' | 'version' | 'doc' | 'updatedAtMs'>;
}

/**
 * The oracle of copies. Each node has of what it subscribed to what the relay has, with the same version and byte by byte: no record is left
 * out, none is old, none that was deleted is there, and nothing else is.
 */
export async function judgeCopies(world: World): Promise<void> {
  if (world.copies === undefined) return;
  for (const [message, times] of world.told)
    if (message.startsWith(BEGUN_ANEW)) world.operations.add('copy-begun-anew', times);
  const onRelay = await liveOnRelay(world);
  for (const line of world.lines) judgeCopy(world, line, onRelay);
}

async function liveOnRelay(world: World): Promise<readonly Owned[]> {
  const all: Owned[] = [];
  for (const node of world.nodes)
    for (const [key, stored] of await world.onRelay(node))
      if (stored.doc !== null) all.push({ node, agent: key.split(' ', 1)[0] ?? '', key, stored });
  return all;
}

function judgeCopy(world: World, line: NodeLine, onRelay: readonly Owned[]): void {
  const scopes = [...(line.life?.subscriptions.scopes.values() ?? [])];
  const wanted = byName(onRelay.filter((owned) => scopes.some((scope) => isOf(scope, owned))));
  const copied = byName(copiesOf(line));
  for (const name of new Set([...wanted.keys(), ...copied.keys()])) {
    const [here, there] = [copied.get(name), wanted.get(name)];
    const wrong = wrongWith(world, here, there);
    if (wrong !== undefined) world.violated(`${line.label}: the copy of ${name} ${wrong}`);
    if (here !== undefined && !scopes.some((scope) => isOf(scope, here)))
      world.violated(`${line.label}: nobody subscribed to ${name}`);
  }
}

function wrongWith(world: World, here: Owned | undefined, there: Owned | undefined): string | undefined {
  const { node = '', key = '' } = here ?? there ?? {};
  // Each side sweeps what expires on its own.
  if (isShortLived(key)) {
    if (here !== undefined) writeBehind(world, node, key, here.stored as Stored);
    return undefined;
  }
  if (here === undefined) return `is missing, and there is ${there?.stored.doc}`;
  // What retention removes at the relay no feed tells of: it stays, also when an older state comes to the relay after that.
  const mayStay = world.removed.has('relay', node, key) && here.stored.version > (there?.stored.version ?? '');
  const isSame = here.stored.doc === there?.stored.doc && here.stored.version === there?.stored.version;
  return isSame || mayStay ? undefined : `is ${here.stored.doc}, and there is ${there?.stored.doc ?? 'nothing'}`;
}

function isOf({ collections, nodes, agents, resources }: SubscriptionScope, { node, agent, stored }: Owned): boolean {
  return (
    collections.includes(stored.collection) &&
    (nodes?.includes(node) ?? true) &&
    (agents?.includes(agent) ?? true) &&
    (resources?.includes(stored.resource) ?? true)
  );
}

function byName(all: readonly Owned[]): ReadonlyMap<string, Owned> {
  return new Map(all.map((owned) => [`${owned.node} ${owned.key}`, owned]));
}

function copiesOf(line: NodeLine): readonly Owned[] {
  const database = openDatabase(line.copyPath);
  const rows = database
    .prepare(
      `SELECT node, agent, resource, collection, records.id, version, updated_at AS updatedAtMs, doc
       FROM records JOIN agents ON agents.id = agent_id WHERE collection <> ?`,
    )
    .all(DECLARATIONS) as (Owned['stored'] & { readonly node: string; readonly agent: string; readonly id: string })[];
  database.close();
  return rows.map(({ node, agent, ...stored }) => ({ node, agent, key: keyOf(agent, stored), stored }));
}
