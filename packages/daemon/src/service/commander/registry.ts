import type { BuiltInDocuments, Heartbeat, Now, RegistryEntry } from '@holdfast/protocol';
import { parseStored, toTimestamp } from '@holdfast/store';

import type { Agents } from '../agents.ts';
import type { Records, Scope } from '../records.ts';

const COLLECTION = 'agents';

type Entry = BuiltInDocuments['agents'];

/** What the registry needs. */
export interface RegistryOptions {
  readonly records: Pick<Records, 'transact'>;
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

  /** Notes a heartbeat and what it changes; the first one registers the agent. Throws what `Records.transact` throws. */
  heartbeat(scope: Scope, heartbeat: Heartbeat): Promise<RegistryEntry> {
    const { now } = this.#options;
    return this.#options.records.transact(scope, (records) => {
      const nowMs = now();
      const before = storedEntry(records.read(COLLECTION, scope.agent)?.text);
      const after = { ...before, ...heartbeat, heartbeat_at: toTimestamp(nowMs) } as Entry;
      records.put(COLLECTION, scope.agent, after);
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
