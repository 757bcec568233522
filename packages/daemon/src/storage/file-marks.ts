import type { Database } from '@holdfast/sqlite';

/** Why a file may not be used any more, and when that was found. */
export interface Damage {
  /** For people and logs: no ids, no documents. */
  readonly reason: string;
  readonly foundAtMs: number;
}

/** What a node's database knows of an agent's file, independently of the file. */
export interface FileMark {
  readonly agent: string;
  /** The stream the file holds; null until it was first opened. */
  readonly incarnation: string | null;
  /** A seq the file has reached: it may have gone on since, and may not end before. */
  readonly seq: number;
  /** When the file was found to end before its mark, until the relay has everything of it again; null: it was not. */
  readonly putBackAtMs: number | null;
  readonly damage: Damage | null;
  /** The folder among the damaged ones that the file was moved to; null if it was not. */
  readonly setAside: string | null;
  /** See `Rebuilding`; null: the file is not being rebuilt. */
  readonly restoring: string | null;
}

/** How far a stream had come. */
export interface SeqMark {
  readonly agent: string;
  readonly incarnation: string;
  readonly seq: number;
}

interface MarkColumns extends Omit<FileMark, 'damage'> {
  readonly reason: string | null;
  readonly foundAtMs: number | null;
}

/** The marks of all agents' files, in the node's own database. Every change is durable when it returns. */
export class FileMarks {
  readonly #database: Database;
  readonly #write: (what: string, run: () => unknown) => void;

  /** `write` runs a change and gives its failure a code of the catalogue. */
  constructor(database: Database, write: (what: string, run: () => unknown) => void) {
    this.#database = database;
    this.#write = write;
  }

  /** What is known of every agent's file. */
  all(): FileMark[] {
    const rows = this.#database
      .prepare(
        `SELECT name AS agent, incarnation, seq, put_back_at AS putBackAtMs, damaged_reason AS reason,
           damaged_at AS foundAtMs, set_aside AS setAside, restoring FROM agents`,
      )
      .all() as MarkColumns[];
    return rows.map(({ reason, foundAtMs, ...mark }) => ({
      ...mark,
      damage: reason === null || foundAtMs === null ? null : { reason, foundAtMs },
    }));
  }

  /** Notes how far streams have come, in one transaction. */
  note(marks: readonly SeqMark[]): void {
    const update = this.#database.prepare('UPDATE agents SET incarnation = ?, seq = ? WHERE name = ?');
    const noteAll = this.#database.transaction(() => {
      for (const { agent, incarnation, seq } of marks) update.run(incarnation, seq, agent);
    });
    this.#write('how far the files are', () => noteAll.immediate());
  }

  /** The file ends before its mark: it stands at `seq`. */
  notePutBack(agent: string, seq: number, atMs: number): void {
    this.#update(agent, 'put_back_at = ?, seq = ?', [atMs, seq]);
  }

  /** The relay has everything of a file that was put back. */
  forgetPutBack(agent: string): void {
    this.#update(agent, 'put_back_at = NULL', []);
  }

  /** The file is damaged and goes to the folder `setAside`. */
  noteDamage(agent: string, { reason, foundAtMs }: Damage, setAside: string): void {
    this.#update(agent, 'damaged_reason = ?, damaged_at = ?, set_aside = ?', [reason, foundAtMs, setAside]);
  }

  /** The file is being rebuilt, or, with null, that was given up. */
  noteRestoring(agent: string, restoring: string | null): void {
    this.#update(agent, 'restoring = ?', [restoring]);
  }

  /** A rebuilt file is whole and takes the place of the one there is, which goes to the folder `setAside`. */
  noteSwap(mark: SeqMark, restoring: string, setAside: string): void {
    this.#update(mark.agent, 'restoring = ?, incarnation = ?, seq = ?, set_aside = ?', [
      restoring,
      mark.incarnation,
      mark.seq,
      setAside,
    ]);
  }

  /** The rebuilt file is in place: nothing is wrong any more. */
  noteRestored(agent: string): void {
    const cleared = 'restoring = NULL, damaged_reason = NULL, damaged_at = NULL, set_aside = NULL, put_back_at = NULL';
    this.#update(agent, cleared, []);
  }

  #update(agent: string, set: string, values: readonly (string | number | null)[]): void {
    const update = this.#database.prepare(`UPDATE agents SET ${set} WHERE name = ?`);
    this.#write(`what became of the file of ${agent}`, () => update.run(...values, agent));
  }
}
