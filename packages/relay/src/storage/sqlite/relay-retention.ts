import { setImmediate as nextTurn } from 'node:timers/promises';

import type { DeclaredCollections } from '@holdfast/network';
import type { RetentionPolicy } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { FreePages, type PassFigures, type RecordRow, RetentionPass, type WeighedRecord } from '@holdfast/store';

import type { Retained, RetentionRequest } from '../relay-store.ts';
import type { FeedTable } from './feed-table.ts';
import type { RetiredTable } from './retired-table.ts';

/** Records looked at in one transaction, so that batches are not kept waiting. */
const STEP_RECORDS = 200;

type WeighedRow = WeighedRecord &
  Pick<RecordRow, 'resource' | 'id' | 'version' | 'hash' | 'expiresAtMs'> & {
    readonly position: number;
    readonly agentId: number;
  };

interface OwnerColumns {
  readonly id: number;
  readonly node: string;
  readonly agent: string;
}

interface LiveColumns {
  readonly agentId: number;
  readonly name: string;
  readonly records: number;
}

/** A run, from one step to the next. */
interface Pass {
  readonly owners: readonly OwnerColumns[];
  readonly passes: ReadonlyMap<number, RetentionPass>;
  readonly endPosition: number;
  readonly isDryRun: boolean;
}

/** What removing records needs beside the database. */
export interface RelayRetentionOptions {
  readonly declared: DeclaredCollections;
  readonly retired: RetiredTable;
  readonly removals: Pick<FeedTable, 'removed'>;
  /** Runs something in a transaction of its own. */
  readonly write: <Result>(run: () => Result) => Promise<Result>;
}

/** Removes from the relay's database what collections declare to be kept there no longer (protocol rule 17). */
export class RelayRetention {
  readonly #options: RelayRetentionOptions;
  readonly #freePages: FreePages;
  readonly #owners: Statement;
  readonly #live: Statement;
  readonly #end: Statement;
  readonly #weighed: Statement;
  readonly #counts: Statement;
  readonly #remove: Statement;
  readonly #count: Statement;

  constructor(database: Database, options: RelayRetentionOptions) {
    this.#options = options;
    this.#freePages = new FreePages(database, options.write, () => undefined);
    this.#owners = database.prepare('SELECT id, node, agent FROM agents ORDER BY node, agent');
    this.#live = database.prepare('SELECT agent_id AS agentId, name, records FROM collections');
    this.#end = database.prepare('SELECT max(position) FROM records').pluck();
    this.#weighed = database.prepare(
      `SELECT position, agent_id AS agentId, resource, collection, id, version, updated_at, expires_at AS expiresAtMs, deleted,
       hash, octet_length(doc) AS bytes FROM records WHERE position > ? AND position <= ? ORDER BY position LIMIT ${STEP_RECORDS}`,
    );
    // An outdated or damaged one is no part of the digest: it waits for what will replace it.
    this.#counts = database
      .prepare('SELECT 1 FROM records WHERE position = ? AND outdated = 0 AND damaged = 0')
      .pluck();
    this.#remove = database.prepare('DELETE FROM records WHERE position = ?');
    this.#count = database.prepare('UPDATE collections SET records = records - 1 WHERE agent_id = ? AND name = ?');
  }

  /** See `RelayStore.retain`. */
  async retain(request: RetentionRequest): Promise<Retained> {
    const policies = this.#policies();
    if (policies.size === 0) return { freedBytes: 0, agents: [] };
    const pass = this.#begin(policies, request);
    let position: number | undefined = 0;
    while (position !== undefined && !request.isStopped()) {
      const after: number = position;
      position = await this.#options.write(() => this.#step(pass, after));
      await nextTurn();
    }
    const agents = pass.owners.map(({ id, node, agent }) => ({ node, agent, collections: figuresOf(pass, id) }));
    const isAny = agents.some(({ collections }) => collections.some(({ records }) => records > 0));
    const freedBytes = request.isDryRun || !isAny ? 0 : await this.#freePages.giveBack(request.isStopped);
    return { freedBytes, agents: agents.filter(({ collections }) => collections.length > 0) };
  }

  #policies(): Map<string, RetentionPolicy> {
    const declared = this.#options.declared
      .all()
      .flatMap(({ name, retention }) => (retention?.relay === undefined ? [] : [[name, retention.relay] as const]));
    return new Map(declared);
  }

  #begin(policies: ReadonlyMap<string, RetentionPolicy>, { nowMs, isDryRun, agent }: RetentionRequest): Pass {
    const all = this.#owners.all() as OwnerColumns[];
    const owners = all.filter((owner) => agent === undefined || owner.agent === agent);
    const live = Map.groupBy(this.#live.all() as LiveColumns[], ({ agentId }) => agentId);
    const passes = owners.map(({ id }) => {
      const counted = new Map((live.get(id) ?? []).map(({ name, records }) => [name, records]));
      const own = [...policies].filter(([name]) => counted.has(name));
      return [id, new RetentionPass(new Map(own), counted, nowMs)] as const;
    });
    return { owners, passes: new Map(passes), endPosition: (this.#end.get() as number | null) ?? 0, isDryRun };
  }

  #step(pass: Pass, afterPosition: number): number | undefined {
    const rows = this.#weighed.all(afterPosition, pass.endPosition) as WeighedRow[];
    for (const row of rows) {
      const owners = pass.passes.get(row.agentId);
      if (owners?.isOver(row) !== true) continue;
      const mayGo = this.#counts.get(row.position) !== undefined;
      owners.note(row, mayGo);
      if (mayGo && !pass.isDryRun) this.#retire(row);
    }
    return rows.at(-1)?.position;
  }

  #retire(row: WeighedRow): void {
    this.#options.retired.add(row.agentId, row);
    this.#remove.run(row.position);
    this.#options.removals.removed(row.agentId, row.collection, row.position);
    if (row.deleted === 0) this.#count.run(row.agentId, row.collection);
  }
}

function figuresOf({ passes }: Pass, agentId: number): readonly PassFigures[] {
  return passes.get(agentId)?.figures ?? [];
}
