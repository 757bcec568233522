import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Database, Statement } from '@holdfast/sqlite';
import { StatisticsTally, TALLIED_COLUMNS, type TalliedRecord } from '@holdfast/store';

import type { AgentFigures } from '../relay-store.ts';
import { SHARED_OWNER_ID } from './record-row.ts';

/** Records summed up in one turn of the event loop: some milliseconds. */
const STEP_RECORDS = 1000;

type TalliedRow = TalliedRecord & { readonly position: number; readonly agentId: number };

interface OwnerColumns {
  readonly id: number;
  readonly node: string;
  readonly agent: string;
}

/** How much the collections of the network hold, summed up from the records in small steps. */
export class NetworkFigures {
  readonly #owners: Statement;
  readonly #rows: Statement;

  constructor(database: Database) {
    this.#owners = database.prepare('SELECT id, node, agent FROM agents ORDER BY node, agent');
    this.#rows = database.prepare(
      `SELECT position, agent_id AS agentId, ${TALLIED_COLUMNS} FROM records
       WHERE position > ? ORDER BY position LIMIT ${STEP_RECORDS}`,
    );
  }

  /** See `RelayStore.statistics`. */
  async statistics(nowMs: number): Promise<AgentFigures[]> {
    const tallies = new Map<number, StatisticsTally>();
    for (let position: number | undefined = 0; position !== undefined;) {
      const rows: TalliedRow[] = this.#rows.all(position) as TalliedRow[];
      for (const row of rows) {
        const tally = tallies.get(row.agentId) ?? new StatisticsTally(nowMs);
        tallies.set(row.agentId, tally);
        tally.add(row);
      }
      position = rows.at(-1)?.position;
      await nextTurn();
    }
    const owners = (this.#owners.all() as OwnerColumns[]).filter(({ id }) => id !== SHARED_OWNER_ID || tallies.has(id));
    return owners.map(({ id, node, agent }) => ({ node, agent, collections: tallies.get(id)?.figures ?? [] }));
  }
}
