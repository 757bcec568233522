import type { NodeInfo } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';
import { type CollectionCount, toTimestamp } from '@holdfast/store';

import type { StoreFigures } from '../relay-store.ts';

interface NodeColumns {
  readonly name: string;
  readonly joined_at: number;
  readonly last_contact_at: number | null;
  readonly boot: string | null;
}

interface AgentColumns {
  readonly node: string;
  readonly agent: string;
  readonly records: number;
  readonly cursor_seq: number;
  readonly last_change_at: number | null;
}

/** What operators look at first: nodes, agents, collections, figures. Reads only. */
export class Overview {
  readonly #nodes: Statement;
  readonly #agents: Statement;
  readonly #deadLetters: Statement;
  readonly #collections: Statement;
  readonly #figures: Statement;

  constructor(database: Database) {
    this.#nodes = database.prepare(
      "SELECT name, joined_at, last_contact_at, boot FROM nodes WHERE name <> '' ORDER BY name",
    );
    this.#agents = database.prepare(
      `SELECT node, agent, cursor_seq, last_change_at,
       (SELECT ifnull(sum(records), 0) FROM collections WHERE agent_id = agents.id) AS records
       FROM agents JOIN streams ON streams.id = (SELECT max(id) FROM streams WHERE agent_id = agents.id)
       ORDER BY node, agent`,
    );
    this.#deadLetters = database.prepare(
      `SELECT node, count(*) AS letters FROM dead_letters JOIN streams ON streams.id = stream_id
       JOIN agents ON agents.id = streams.agent_id GROUP BY node`,
    );
    this.#collections = database.prepare(
      'SELECT name, sum(records) AS records FROM collections GROUP BY name ORDER BY name',
    );
    this.#figures = database.prepare(
      `SELECT (SELECT count(*) FROM nodes WHERE name <> '') AS nodes, (SELECT count(*) FROM dead_letters) AS deadLetters,
       (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size) AS databaseBytes`,
    );
  }

  /** See `RelayStore.nodes`. */
  nodes(): NodeInfo[] {
    const agents = Map.groupBy(this.#agents.all() as AgentColumns[], ({ node }) => node);
    const letters = new Map(
      (this.#deadLetters.all() as { node: string; letters: number }[]).map((row) => [row.node, row.letters]),
    );
    return (this.#nodes.all() as NodeColumns[]).map((node) => ({
      node: node.name,
      joined_at: toTimestamp(node.joined_at),
      last_contact_at: timestampOrNull(node.last_contact_at),
      boot: node.boot,
      agents: (agents.get(node.name) ?? []).map(({ node: _node, last_change_at, ...agent }) => ({
        ...agent,
        last_change_at: timestampOrNull(last_change_at),
      })),
      dead_letters: letters.get(node.name) ?? 0,
    }));
  }

  /** See `RelayStore.collections`. */
  collections(): CollectionCount[] {
    return this.#collections.all() as CollectionCount[];
  }

  /** See `RelayStore.figures`. */
  figures(): StoreFigures {
    return this.#figures.get() as StoreFigures;
  }
}

function timestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}
