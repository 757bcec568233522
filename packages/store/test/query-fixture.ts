import type { Json } from '@holdfast/protocol';

import { put, type TestAgent } from './fixture.ts';
import { startMs } from './query-arbitraries.ts';
import type { ModelRecord } from './query-model.ts';

/** Writes documents under ids whose order is not that of writing, some of them with an expiry, each a second later. */
export async function fill(agent: TestAgent, documents: readonly Json[]): Promise<ModelRecord[]> {
  const records: ModelRecord[] = [];
  for (const [index, doc] of documents.entries()) {
    agent.clock.set(startMs + (index % 10) * 1000);
    const nowMs = agent.clock.now();
    const id = `${(index * 7) % 10}-${index}`;
    const expiresAtMs = index % 3 === 0 ? nowMs + 3_600_000 : null;
    const { version } = await agent.write(put('kv', id, doc, expiresAtMs === null ? {} : { expiresAtMs }));
    const writtenAt = new Date(nowMs).toISOString();
    const times = { created_at: writtenAt, updated_at: writtenAt };
    const expires_at = expiresAtMs === null ? null : new Date(expiresAtMs).toISOString();
    records.push({ id, resource: '', version, ...times, expires_at, doc });
  }
  return records;
}
