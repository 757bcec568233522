import type { AgentStatus } from '@holdfast/protocol';

/**
 * Whether what was noticed about an agent's file is over: the file is read, the relay holds all of it and the two were
 * found equal since. The daemon remembers the notice until its next start.
 */
export function isSettled({ state, bytes, sync, digest }: AgentStatus): boolean {
  return state === 'ok' && bytes > 0 && sync === 'clean' && digest === 'equal';
}
