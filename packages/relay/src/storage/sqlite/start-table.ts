import { startOfBoot, type StartEntry } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

/** Starts remembered for each node. */
const REMEMBERED_STARTS = 1000;

const START = /^[0-9a-f]{8}$/;

/** Which starts of its daemon a node had, and which each went on from (protocol rule 6). All that writes needs a transaction. */
export class StartTable {
  readonly #isKnown: Statement;
  readonly #add: Statement;
  readonly #forget: Statement;
  readonly #ofNode: Statement;

  constructor(database: Database) {
    this.#isKnown = database.prepare('SELECT 1 FROM starts WHERE node = ? AND start = ? AND parent IS NOT NULL');
    this.#add = database.prepare(
      `INSERT INTO starts (node, start, parent) VALUES (?, ?, ?)
       ON CONFLICT (node, start) DO UPDATE SET parent = coalesce(parent, excluded.parent)`,
    );
    this.#forget = database.prepare(
      `DELETE FROM starts WHERE node = ? AND number <= (SELECT number FROM starts WHERE node = ?
       ORDER BY number DESC LIMIT 1 OFFSET ${REMEMBERED_STARTS})`,
    );
    this.#ofNode = database.prepare('SELECT start, parent FROM starts WHERE node = ? ORDER BY number');
  }

  /** Notes a start and those it goes on from, newest first. Cheap when they are known. */
  note(node: string, boot: string, predecessors: readonly string[]): void {
    if (this.#isKnown.get(node, startOfBoot(boot)) !== undefined) return;
    const starts = [boot, ...predecessors].map(startOfBoot);
    for (let at = starts.length - 1; at >= 0; at -= 1) this.#add.run(node, starts[at], starts[at + 1] ?? null);
    this.#forget.run(node, node);
  }

  /** The starts of a node, in the order they became known. One that rotted is left out: a node would take none of the others. */
  ofNode(node: string): StartEntry[] {
    const entries = this.#ofNode.all(node) as StartEntry[];
    return entries.filter(({ start, parent }) => START.test(start) && (parent === null || START.test(parent)));
  }
}
