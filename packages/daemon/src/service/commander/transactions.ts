import type { DiskWatch } from '@holdfast/sqlite';
import type { AgentFiles, Idempotency, RecordsTransaction } from '@holdfast/store';

import type { Scope } from '../records.ts';

/** What transactions run on. */
export interface TransactionsOptions {
  readonly files: Pick<AgentFiles, 'get'>;
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
}

/** Reads and writes of an agent's records that happen as one step. */
export class Transactions {
  readonly #options: TransactionsOptions;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** Runs in one transaction; resolves after its commit. Throws what it, `DiskWatch.assertRoom` and `AgentStore.transact` throw. */
  async run<Result>(
    { agent, resource }: Scope,
    run: (records: RecordsTransaction) => Result,
    idempotency?: Idempotency,
  ): Promise<Result> {
    this.#options.disk.assertRoom();
    return this.#options.files.get(agent).transact({ resource, run, idempotency });
  }
}
