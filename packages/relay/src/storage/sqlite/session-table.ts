import { HoldfastError } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

import type { NodeSpeaker, SessionOpening } from '../relay-store.ts';

/** Superseded starts remembered for each node. A node restarts far less often than it forgets a copy of itself. */
const REMEMBERED_BOOTS = 1000;

/**
 * What becomes of a start that wants to speak for its node: it goes on where the node was; it takes over from a start it does not
 * go on from, so that it may have other records; it is refused, as it was superseded or another start is alive.
 */
export type Claim = 'goes-on' | 'takes-over' | 'refused';

/** Which start of its daemon speaks for a node (protocol rule 7). All that writes needs a transaction. */
export class SessionTable {
  readonly #renew: Statement;
  readonly #current: Statement;
  readonly #isSuperseded: Statement;
  readonly #supersede: Statement;
  readonly #forget: Statement;
  readonly #take: Statement;
  readonly #clamp: Statement;

  constructor(database: Database) {
    this.#renew = database.prepare('UPDATE nodes SET last_contact_at = ? WHERE name = ? AND boot = ?');
    this.#current = database.prepare('SELECT boot, last_contact_at AS lastContactMs FROM nodes WHERE name = ?');
    this.#isSuperseded = database.prepare('SELECT 1 FROM superseded_boots WHERE node = ? AND boot = ?');
    this.#supersede = database.prepare(
      'INSERT INTO superseded_boots (node, boot, superseded_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#forget = database.prepare(
      `DELETE FROM superseded_boots WHERE node = ? AND boot IN (SELECT boot FROM superseded_boots WHERE node = ?
       ORDER BY superseded_at DESC LIMIT -1 OFFSET ${REMEMBERED_BOOTS})`,
    );
    this.#take = database.prepare('UPDATE nodes SET boot = ?, last_contact_at = ? WHERE name = ?');
    this.#clamp = database.prepare('UPDATE nodes SET last_contact_at = ? WHERE name = ? AND last_contact_at > ?');
  }

  /** Makes or keeps a start the current one and notes the contact, if it may be. Throws `node-not-found`. */
  claim(opening: SessionOpening): Claim {
    const { node, boot, nowMs } = opening;
    if (this.#renew.run(nowMs, node, boot).changes === 1) return 'goes-on';
    const current = this.speaker(node);
    if (current === undefined) throw new HoldfastError('node-not-found', `no node "${node}" is enrolled here`);
    if (!this.#mayTakeOver(current, opening)) {
      // A contact in the future was noted under another clock: without this, it would look alive until then.
      this.#clamp.run(nowMs, node, nowMs);
      return 'refused';
    }
    this.#retire(node, current, nowMs);
    this.#take.run(boot, nowMs, node);
    return goesOn(current, opening) ? 'goes-on' : 'takes-over';
  }

  /** Which start speaks for a node; undefined for an unknown node. */
  speaker(node: string): NodeSpeaker | undefined {
    return this.#current.get(node) as NodeSpeaker | undefined;
  }

  /** Ends a node's session for good: its start is superseded, and whichever comes next takes over at once. */
  end(node: string, nowMs: number): void {
    const current = this.speaker(node);
    if (current === undefined) return;
    this.#retire(node, current, nowMs);
    this.#take.run(null, current.lastContactMs, node);
  }

  #retire(node: string, { boot }: NodeSpeaker, nowMs: number): void {
    if (boot === null) return;
    this.#supersede.run(node, boot, nowMs);
    this.#forget.run(node, node);
  }

  #mayTakeOver(current: NodeSpeaker, opening: SessionOpening): boolean {
    const { node, boot, silentBeforeMs } = opening;
    if (this.#isSuperseded.get(node, boot) !== undefined) return false;
    if (goesOn(current, opening)) return true;
    return current.lastContactMs === null || current.lastContactMs < silentBeforeMs;
  }
}

function goesOn({ boot }: NodeSpeaker, { predecessors }: SessionOpening): boolean {
  return boot === null || predecessors.includes(boot);
}

/** What a start is told that may not speak for its node. */
export function cloned(node: string): HoldfastError {
  return new HoldfastError('node-cloned', `another start of the daemon speaks for node "${node}"`);
}
