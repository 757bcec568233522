import type { Holdfast, HoldfastRelay } from '@holdfast/client';
import type { Record as PublicRecord } from '@holdfast/protocol';

/** Whose a record is. */
export interface Owner {
  readonly node: string;
  readonly agent: string;
}

/** A record as it was read. */
export interface Stored {
  readonly version: string;
  /** The document's text: documents are kept as `JSON.stringify` writes them, so this is what is stored, byte for byte. */
  readonly doc: string;
  /** The whole record but for its owner: id, version, times and document. */
  readonly text: string;
}

/** Names a record in the network. */
export function keyOf({ node, agent }: Owner, { collection, id }: Pick<PublicRecord, 'collection' | 'id'>): string {
  return `${node}/${agent}/${collection}/${id}`;
}

const PAGE_RECORDS = 1000;

/** Every record of these agents, by key, read through their own clients. */
export async function readAgents(
  agents: readonly (Owner & { readonly client: Holdfast })[],
): Promise<ReadonlyMap<string, Stored>> {
  const found = new Map<string, Stored>();
  for (const agent of agents) {
    for (const { name } of await agent.client.collections.list()) {
      for await (const record of agent.client.collection(name).each({ limit: PAGE_RECORDS })) {
        add(found, keyOf(agent, record), toStored(record));
      }
    }
  }
  return found;
}

/** Every record of the network, by key. */
export async function readRelay(relay: HoldfastRelay): Promise<ReadonlyMap<string, Stored>> {
  const found = new Map<string, Stored>();
  for await (const { node = '', agent = '', ...record } of relay.each({ limit: PAGE_RECORDS })) {
    add(found, keyOf({ node, agent }, record), toStored(record));
  }
  return found;
}

/** A record listed twice would hide a mistake. */
function add(found: Map<string, Stored>, key: string, stored: Stored): void {
  if (found.has(key)) throw new Error(`${key} is listed twice`);
  found.set(key, stored);
}

function toStored(record: Omit<PublicRecord, 'node' | 'agent' | 'doc'> & { readonly doc: unknown }): Stored {
  return { version: record.version, doc: JSON.stringify(record.doc), text: JSON.stringify(record) };
}
