import { agentsOf, type NodeReader } from '@holdfast/network';
import type { BatchHeader, NetworkQuery, WaitingChanges } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { all } from '@holdfast/store';

import type { NodeStanding } from '../relay-store.ts';
import type { StoredStream } from './stream-table.ts';

interface NodeColumns {
  readonly name: string;
  readonly lastContactMs: number | null;
}

interface AgentColumns {
  readonly node: string;
  readonly waiting: number | null;
}

/** What waits on the nodes, as they tell with sessions and batches. All that writes needs a transaction. */
export class WaitingTable {
  readonly #database: Database;
  readonly #clear: Statement;
  readonly #note: Statement;
  readonly #set: Statement;
  readonly #nodes: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#clear = database.prepare('UPDATE agents SET waiting = 0 WHERE node = ? AND waiting IS NOT 0');
    // A session is asked for while batches are on their way: what the relay has meanwhile does not wait any more.
    this.#note = database.prepare(
      `INSERT INTO agents (node, agent, waiting) VALUES (?, ?, ?)
       ON CONFLICT (node, agent) DO UPDATE SET waiting = iif(excluded.waiting IS NOT NULL AND
         (SELECT cursor_seq FROM streams WHERE agent_id = agents.id ORDER BY id DESC LIMIT 1) >= ?, 0, excluded.waiting)`,
    );
    this.#set = database.prepare('UPDATE agents SET waiting = ? WHERE id = ?');
    this.#nodes = database.prepare(
      "SELECT name, last_contact_at AS lastContactMs FROM nodes WHERE name <> '' ORDER BY name",
    );
  }

  /** Notes all that waits on a node. */
  tell(node: string, waiting: readonly WaitingChanges[]): void {
    this.#clear.run(node);
    for (const { agent, seq, changes } of waiting) this.#note.run(node, agent, changes, seq);
  }

  /** Notes what waits behind a batch. A node that does not say so sends a digest with the last one. */
  follow({ writerId }: Pick<StoredStream, 'writerId'>, { waiting, digest }: BatchHeader): void {
    this.#set.run(waiting ?? (digest === undefined ? null : 0), writerId);
  }

  /** See `RelayStore.standing`. */
  standing(query: NetworkQuery, reader: NodeReader | undefined): NodeStanding[] {
    const asked = all(agentsOf(query, reader));
    const rows = this.#database.prepare(`SELECT node, waiting FROM agents WHERE ${asked.text}`).all(...asked.params);
    const agents = Map.groupBy(rows as AgentColumns[], ({ node }) => node);
    const nodes = (this.#nodes.all() as NodeColumns[]).filter(({ name, lastContactMs }) => {
      if (agents.has(name)) return true;
      const isReadable = reader === undefined || reader.node === name;
      const isAsked = query.nodes === undefined || query.nodes.includes(name);
      const isOfAgents = query.agents !== undefined || reader?.agent !== undefined;
      return isReadable && isAsked && (!isOfAgents || lastContactMs === null);
    });
    return nodes.map(({ name, lastContactMs }) => ({
      node: name,
      lastContactMs,
      waiting: lastContactMs === null ? null : sumOf(agents.get(name) ?? []),
    }));
  }
}

function sumOf(agents: readonly AgentColumns[]): number | null {
  return agents.reduce<number | null>(
    (sum, { waiting }) => (sum === null || waiting === null ? null : sum + waiting),
    0,
  );
}
