import type { BatchEnd, BatchLine, ErrorCode, Json, Operation } from '@holdfast/protocol';

import type { ImportTarget } from '../src/import/record-chunks.ts';

/** A daemon's client that keeps records in memory, in the order they came; refuses those it is told to. */
export class MemoryTarget implements ImportTarget {
  readonly records: Map<string, Json> = new Map();
  readonly #refusals: Readonly<Record<string, ErrorCode>>;
  /** How many streams were opened. */
  streams = 0;

  constructor(refusals: Readonly<Record<string, ErrorCode>> = {}) {
    this.#refusals = refusals;
  }

  collection: ImportTarget['collection'] = (name) => ({ each: (query) => this.#found(name, query.where.id.in) });

  stream: ImportTarget['stream'] = async (operations, options) => {
    this.streams += 1;
    let line = 0;
    let written = 0;
    for await (const operation of operations) {
      line += 1;
      const answer = this.#write(operation, line);
      if (!('error' in answer)) written += 1;
      await options?.onAnswer?.(answer);
    }
    const end: BatchEnd = { end: true, count: line, written };
    return end;
  };

  /** Messages for each role. */
  countByRole(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [key, doc] of this.records) {
      if (!key.startsWith('messages/') || typeof doc !== 'object' || doc === null || !('role' in doc)) continue;
      const { role } = doc;
      if (typeof role !== 'string') continue;
      counts[role] = (counts[role] ?? 0) + 1;
    }
    return counts;
  }

  #write(operation: Operation, line: number): BatchLine {
    if (operation.op !== 'put') throw new Error('the import only puts');
    const { collection, id = '', doc } = operation;
    const code = this.#refusals[`${collection}/${id}`];
    if (code !== undefined) return { line, error: { code, detail: 'refused' } };
    this.records.set(`${collection}/${id}`, structuredClone(doc) as Json);
    return { line, id, version: '000000000001-0000-00000000', seq: line };
  }

  async *#found(collection: string, ids: readonly string[]): AsyncGenerator<{ id: string; doc: Json }> {
    for (const id of ids) {
      const doc = this.records.get(`${collection}/${id}`);
      if (doc !== undefined) yield { id, doc };
    }
  }
}
