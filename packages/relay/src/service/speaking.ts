import type { RelayStore } from '../storage/relay-store.ts';
import { cloned } from '../storage/sqlite/session-table.ts';

/** Throws `node-cloned` unless a start of the daemon is the one that speaks for its node (protocol rule 7). */
export async function assertSpeaks(store: Pick<RelayStore, 'speaker'>, node: string, boot: string): Promise<void> {
  const speaker = await store.speaker(node);
  if (speaker?.boot !== boot) throw cloned(node);
}
