import type { Heartbeat, RegistryEntry } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';

/** What the agents of the node do and can do. */
export interface RegistryClient {
  /** Tells that the agent lives, and what has changed about it; the first time registers it. */
  heartbeat(heartbeat?: Heartbeat): Promise<RegistryEntry>;
  /** The registered agents, by name; only those with a capability if one is named. */
  list(options?: { readonly capability?: string | undefined }): Promise<readonly RegistryEntry[]>;
}

/** Opens the registry. Nothing is sent. */
export function openRegistry(call: Caller<DaemonRoutes>): RegistryClient {
  return {
    heartbeat: async (body = {}) => (await call('registry.heartbeat', { body }, { repeat: 'same' })).value,
    list: async (query) => (await call('registry.list', { query })).value.agents,
  };
}
