import type { HoldfastRelay } from '@holdfast/client';
import type { Record as PublicRecord } from '@holdfast/protocol';

import { keyText } from './ledger.ts';
import type { Agent, Network } from './network.ts';

/** A record as it was read. */
export interface Stored {
  readonly version: string;
  /** The document's text: documents are kept as `JSON.stringify` writes them, so this is what is stored, byte for byte. */
  readonly doc: string;
  /** All of the record but its owner: resource, collection, id, version, times and document. */
  readonly text: string;
}

/** Records by `keyText`. */
export type Records = ReadonlyMap<string, Stored>;

const PAGE_RECORDS = 1000;

/** Every record of these agents, in the resource each works in, read through their own clients. */
export async function readAgents(agents: readonly Agent[]): Promise<Records> {
  const found = new Map<string, Stored>();
  for (const { node, agent, client } of agents) {
    for (const { name, records } of await client.collections.list()) {
      if (records === 0) continue;
      for await (const record of client.collection(name).each({ limit: PAGE_RECORDS })) {
        add(found, { ...record, node, agent });
      }
    }
  }
  return found;
}

/** Every record of the network, or of some of its nodes. */
export async function readRelay(desk: HoldfastRelay, nodes?: readonly string[]): Promise<Records> {
  const found = new Map<string, Stored>();
  const which = nodes === undefined ? {} : { nodes: [...nodes] };
  for await (const record of desk.each({ limit: PAGE_RECORDS, ...which })) add(found, record);
  return found;
}

/** How two sets of records differ, one line each. */
export function differences(onNodes: Records, onRelay: Records): readonly string[] {
  const keys = new Set([...onNodes.keys(), ...onRelay.keys()]);
  return [...keys].flatMap((key) => {
    const [here, there] = [onNodes.get(key)?.text, onRelay.get(key)?.text];
    if (here === there) return [];
    if (there === undefined) return [`missing on the relay: ${key}`];
    return here === undefined ? [`missing on its node: ${key}`] : [`not the same on the relay: ${key}`];
  });
}

/** How the records of the nodes and those of the relay differ at this moment, one line each. */
export async function differencesNow({ agents, desk }: Network): Promise<readonly string[]> {
  return differences(await readAgents(agents), await readRelay(desk));
}

/** A record listed twice would be there twice. */
function add(
  found: Map<string, Stored>,
  { node = '', agent = '', ...record }: Omit<PublicRecord, 'doc'> & { readonly doc: unknown },
): void {
  const { resource = '', collection, id, version, doc } = record;
  const key = keyText({ node, agent, resource, collection, id });
  if (found.has(key)) throw new Error(`${key} is there twice`);
  found.set(key, { version, doc: JSON.stringify(doc), text: JSON.stringify(record) });
}
