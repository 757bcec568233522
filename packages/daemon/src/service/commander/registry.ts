import { type BuiltInDocuments, documentOf, type Heartbeat, type Now, type RegistryEntry } from '@holdfast/protocol';
import { parseStored, type RecordsTransaction, toTimestamp } from '@holdfast/store';

import type { Agents } from '../agents.ts';
import type { Scope } from '../records.ts';
import type { Transactions } from './transactions.ts';

const COLLECTION = 'agents';

type Entry = BuiltInDocuments['agents'];

/** What the registry needs. */
export interface RegistryOptions {
  readonly transactions: Transactions;
  readonly agents: Pick<Agents, 'names'>;
  /** An agent's own entry as it is stored; undefined when it has none, or its file does not serve now. */
  readonly entryOf: (scope: Scope) => string | undefined;
  readonly now: Now;
}

/** What the agents of this node say of themselves, each in its own file. */
export class Registry {
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Notes a heartbeat and what it changes; the first one registers the agent. Throws what `Transactions.run` throws. */
  heartbeat(scope: Scope, heartbeat: Heartbeat): Promise<RegistryEntry> {
    const { transactions, now } = this.#options;
    return transactions.run(scope, (records) => {
      const nowMs = now();
      const before = storedEntry(records.read(COLLECTION, scope.agent)?.text);
      const after = { ...before, ...heartbeat, heartbeat_at: toTimestamp(nowMs) } as Entry;
      writeEntry(records, scope.agent, after);
      const written = storedEntry(records.read(COLLECTION, scope.agent)?.text);
      return registryEntry(scope.agent, written ?? after, nowMs);
    });
  }

  /** The registered agents of this node in a resource, by name. */
  list(resource: string, capability?: string): RegistryEntry[] {
    const { agents, entryOf, now } = this.#options;
    return agents.names
      .flatMap((agent) => {
        const entry = storedEntry(entryOf({ agent, resource }));
        return entry === undefined ? [] : [registryEntry(agent, entry, now())];
      })
      .filter(({ capabilities }) => capability === undefined || capabilities.includes(capability));
  }
}

function writeEntry(records: RecordsTransaction, id: string, entry: Entry): void {
  const document = documentOf(entry, JSON.stringify(entry));
  records.write({ op: 'put', collection: COLLECTION, id, document, expiresAtMs: null });
}

function storedEntry(text: string | undefined): Entry | undefined {
  return text === undefined ? undefined : (parseStored(text) as Entry);
}

function registryEntry(agent: string, entry: Entry, nowMs: number): RegistryEntry {
  const { role, capabilities, status, task, heartbeat_at: heartbeatAt, metadata } = entry;
  const silentMs = nowMs - Date.parse(heartbeatAt ?? '');
  const isSilent = !(silentMs <= (entry.offline_after_seconds ?? 0) * 1000);
  return {
    agent,
    status: isSilent ? 'offline' : (status ?? 'idle'),
    role: role ?? null,
    capabilities: [...(capabilities ?? [])],
    task: task ?? null,
    heartbeat_at: heartbeatAt ?? null,
    metadata: (metadata ?? null) as RegistryEntry['metadata'],
  };
}
