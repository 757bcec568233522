import { limits } from '@holdfast/protocol';
import type { Database, Statement } from '@holdfast/sqlite';

/** A place in the feed alone is noted as often at most, in milliseconds: what is read again has no second effect. */
const NOTE_MS = 1000;

/** A letter from another node. */
export interface Arrival {
  /** The agent of this node it is to. */
  readonly agent: string;
  readonly resource: string;
  readonly id: string;
  /** Who sent it, as agent@node. */
  readonly sender: string;
  /** Its document, as JSON text. */
  readonly letter: string;
}

/** A letter that is held. */
export interface HeldLetter extends Arrival {
  readonly number: number;
}

/** What is noted together with how far was read. */
export interface ArrivalsRead {
  /** Where the page ended; undefined: that does not count any more. */
  readonly cursor: string | undefined;
  /** Letters that nobody's file could take. */
  readonly held: readonly Arrival[];
  readonly nowMs: number;
}

/**
 * How far the node has read what is addressed to its agents, and the letters it holds for those that are not there or whose files do
 * not serve. Every change is durable when it returns, but for how far was read: after a crash it may be less.
 */
export class ArrivalNotes {
  readonly #database: Database;
  readonly #write: (what: string, run: () => unknown) => void;
  readonly #read: Statement;
  readonly #count: Statement;
  readonly #agents: Statement;
  readonly #of: Statement;
  /** Up to where was read, where that is not written down yet. */
  #unwritten: string | undefined;
  #writtenAtMs = -Infinity;

  /** `write` runs a change and gives its failure a code of the catalogue. */
  constructor(database: Database, write: (what: string, run: () => unknown) => void) {
    this.#database = database;
    this.#write = write;
    database.prepare('INSERT INTO arrivals (id) VALUES (1) ON CONFLICT DO NOTHING').run();
    this.#read = database.prepare('SELECT cursor, has_left_out AS hasLeftOut FROM arrivals WHERE id = 1');
    this.#count = database.prepare('SELECT count(*) FROM held_letters').pluck();
    this.#agents = database.prepare('SELECT DISTINCT agent FROM held_letters').pluck();
    this.#of = database.prepare(
      `SELECT number, agent, resource, id, sender, letter FROM held_letters WHERE agent = ? AND number > ?
       ORDER BY number LIMIT ?`,
    );
  }

  /** Up to where the feed was read; undefined: it is read from the beginning. */
  get cursor(): string | undefined {
    return this.#unwritten ?? this.#standing.cursor ?? undefined;
  }

  /** How many letters are held. */
  get held(): number {
    return this.#count.get() as number;
  }

  /** The agents for which letters are held. */
  get agents(): string[] {
    return this.#agents.all() as string[];
  }

  /** The next letters held for an agent, those that came first before. */
  heldFor(agent: string, afterNumber: number, limit: number): HeldLetter[] {
    return this.#of.all(agent, afterNumber, limit) as HeldLetter[];
  }

  /**
   * Notes how far was read, and holds letters, together. Beyond `limits.heldLetters` none is held: that some were left out is noted, and
   * the feed is read from the beginning once there is room again, see `release`.
   */
  note({ cursor, held, nowMs }: ArrivalsRead): void {
    this.#unwritten = cursor ?? this.#unwritten;
    if (held.length === 0 && Math.abs(nowMs - this.#writtenAtMs) < NOTE_MS) return;
    this.#writtenAtMs = nowMs;
    const hold = this.#database.prepare(
      `INSERT INTO held_letters (agent, resource, id, sender, letter, until) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    const until = nowMs + limits.heldLetterSeconds * 1000;
    this.#change('what came from other nodes', () => {
      const room = held.length === 0 ? 0 : limits.heldLetters - this.held;
      for (const { agent, resource, id, sender, letter } of held.slice(0, Math.max(0, room)))
        hold.run(agent, resource, id, sender, letter, until);
      if (held.length > room) this.#database.prepare('UPDATE arrivals SET has_left_out = 1').run();
      this.#writeCursor();
    });
    this.#unwritten = undefined;
  }

  /** Writes down how far was read. */
  settle(): void {
    this.#change('how far was read', () => this.#writeCursor());
    this.#unwritten = undefined;
  }

  /** The feed is to be read from the beginning. */
  startOver(): void {
    this.#change('where the feed is read from', () => this.forgetCursor());
  }

  /** As `startOver`, inside a transaction of the node's database. */
  forgetCursor(): void {
    this.#unwritten = undefined;
    this.#database.prepare('UPDATE arrivals SET cursor = NULL').run();
  }

  /** These letters are where they belong, and what has waited too long is held no more. Makes up for what was left out. */
  release(numbers: readonly number[], nowMs: number): void {
    const remove = this.#database.prepare('DELETE FROM held_letters WHERE number = ?');
    this.#change('the letters that are held', () => {
      for (const number of numbers) remove.run(number);
      this.#database.prepare('DELETE FROM held_letters WHERE until <= ?').run(nowMs);
      if (this.#standing.hasLeftOut === 0 || this.held > limits.heldLetters / 2) return;
      this.#database.prepare('UPDATE arrivals SET has_left_out = 0').run();
      this.forgetCursor();
    });
  }

  get #standing(): { readonly cursor: string | null; readonly hasLeftOut: number } {
    return this.#read.get() as { cursor: string | null; hasLeftOut: number };
  }

  #writeCursor(): void {
    if (this.#unwritten === undefined) return;
    this.#database.prepare('UPDATE arrivals SET cursor = ?').run(this.#unwritten);
  }

  #change(what: string, run: () => void): void {
    const change = this.#database.transaction(run);
    this.#write(what, () => change.immediate());
  }
}
