import { existsSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { HoldfastError, type Now } from '@holdfast/protocol';
import type { WalScan } from '@holdfast/sqlite';
import {
  type AgentFiles,
  type AgentStore,
  damageError,
  databaseFiles,
  type FileWatch,
  setAside,
  syncDirectory,
  toTimestamp,
} from '@holdfast/store';
import type { Logger } from 'pino';

import type { FileMarks, SeqMark } from '../storage/file-marks.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';
import type { Timers } from '../sync/timers.ts';
import { type Known, knownOf, nothingKnown } from './known-file.ts';

/** How often marks are noted, and what could not be set aside is tried again. */
const TICK_MS = 3000;

/** How long a caller is to wait for a file that is being rebuilt. */
const RETRY_AFTER_SECONDS = 5;

/** What `restoring` says once the rebuilt file is whole and only has to take its place. */
const SWAPPING = 'swap';

/** What looking after the files needs. */
export interface CustodyOptions {
  readonly marks: FileMarks;
  /** Where set-aside files go, a folder for each. */
  readonly damagedDirectory: string;
  readonly files: () => AgentFiles;
  readonly sync: () => Pick<SyncEngine, 'forget' | 'written' | 'streamState'>;
  readonly now: Now;
  readonly timers: Timers;
  readonly log: Logger;
  /** A file was found damaged, or put back to an older copy. */
  readonly onFound: (what: 'damaged' | 'put-back') => void;
  /** An agent's file is an older copy, or was rebuilt: it may lack what came for its agent last. What it throws undoes nothing; it is called again. */
  readonly onReplaced: () => void;
}

/** Whether an agent's file serves. */
export type FileState = 'ok' | 'damaged' | 'restoring';

/**
 * Looks after the agents' files: keeps marks of how far each has come, sets damaged ones aside, and lets a rebuilt one
 * take its place. What is decided is in the node's database before a file is moved, so that a crash at any step is
 * carried on from at the next start. Nothing is ever deleted.
 */
export class FileCustody implements FileWatch {
  readonly #options: CustodyOptions;
  readonly #known = new Map<string, Known>();
  readonly #touched = new Set<string>();
  /** Damaged files that still stand where they were, with what closes them. */
  readonly #toSetAside = new Map<string, () => void>();
  #disarm: () => void = () => undefined;

  /** Carries on what a crash left half done. Throws `storage-failed` when the marks cannot be read. */
  constructor(options: CustodyOptions) {
    this.#options = options;
    for (const mark of options.marks.all()) this.#known.set(mark.agent, knownOf(mark));
  }

  /** Carries on what a crash left half done, and begins to note marks. Before any file is opened. */
  begin(): void {
    for (const [agent, { damage }] of this.#known) if (damage !== null) this.#toSetAside.set(agent, () => undefined);
    this.#carryOn();
    this.#arm();
  }

  /** Notes the marks a last time. */
  end(): void {
    this.#disarm();
    this.#carryOn();
    this.#noteMarks();
  }

  /** An agent's file has something new. Cheap: called on every commit. */
  readonly touch = (agent: string): void => {
    this.#touched.add(agent);
  };

  /** Whether an agent's file serves. */
  stateOf(agent: string): FileState {
    const known = this.#known.get(agent);
    if (known === undefined) return 'ok';
    if (known.restoring !== null) return 'restoring';
    return known.damage !== null || known.isMissing ? 'damaged' : 'ok';
  }

  /** What is wrong with an agent's file or was noticed about it, for people; null if nothing is. */
  errorOf(agent: string): string | null {
    const known = this.#known.get(agent);
    if (known === undefined) return null;
    if (known.damage !== null) {
      const where = known.setAside === null ? '' : `; it is kept in ${this.#folder(known.setAside)}`;
      return `found damaged at ${toTimestamp(known.damage.foundAtMs)}: ${known.damage.reason}${where}`;
    }
    if (known.isMissing) return MISSING;
    if (known.putBackAtMs !== null) {
      return `found to be an older copy at ${toTimestamp(known.putBackAtMs)}: what the relay has of its end comes back, the rest is gone`;
    }
    return known.oddity;
  }

  /** Whether an agent's rebuilt file is whole and only has to take its place: that is done here, again and again. */
  isSwapping(agent: string): boolean {
    return this.restoringOf(agent) === SWAPPING;
  }

  /** What an agent's file was being rebuilt from when the daemon ended; null: nothing was. */
  restoringOf(agent: string): string | null {
    return this.#known.get(agent)?.restoring ?? null;
  }

  admit(agent: string): void {
    const known = this.#of(agent);
    if (known.restoring !== null) {
      const detail = `the file of agent "${agent}" is being rebuilt`;
      throw new HoldfastError('agent-restoring', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    if (known.damage !== null) throw damageError(agent, known.damage.reason);
    // A file that comes back serves again: a disk that is mounted late is no damage.
    const isMissing = known.incarnation !== null && sizeOf(this.#path(agent)) === 0;
    if (isMissing && !known.isMissing) this.#options.log.error({ agent }, 'the file of an agent is missing');
    known.isMissing = isMissing;
    if (isMissing) throw damageError(agent, MISSING);
  }

  scanned(agent: string, scan: WalScan): void {
    const { state, frames, commits, unreachableCommits, offset } = scan;
    const found = { agent, state, frames, commits, unreachableCommits, offset };
    if (state === 'torn') this.#options.log.info(found, 'the write-ahead log ends as a crash leaves it');
    if (state !== 'suspect') return;
    this.#options.log.warn(found, 'the end of the write-ahead log cannot be read: a crash or damage, nobody can tell');
    this.#of(agent).oddity =
      'the end of its write-ahead log could not be read: a power cut leaves that, or damage to the last write';
  }

  opened(agent: string, store: AgentStore): void {
    const known = this.#of(agent);
    const { incarnation } = store;
    const seq = store.counters.lastSeq;
    if (store.isCountedAnew) {
      this.#options.log.warn(
        { agent },
        'figures kept of the records were not what was written: they were counted anew',
      );
      known.oddity = 'figures kept of its records were not what was written, and were counted anew';
    }
    if (known.incarnation === null) {
      this.#options.marks.note([{ agent, incarnation, seq }]);
      Object.assign(known, { incarnation, seq });
    } else if (known.incarnation !== incarnation) {
      throw this.damaged(agent, 'it is not the file that was here before');
    } else if (seq < known.seq) {
      this.#putBack(agent, known, seq);
    }
  }

  damaged(agent: string, reason: string): HoldfastError {
    const known = this.#of(agent);
    const error = damageError(agent, known.damage?.reason ?? reason);
    if (known.damage !== null) return error;
    known.damage = { reason, foundAtMs: this.#options.now() };
    this.#options.log.error({ agent, reason }, 'the file of an agent is damaged: it is set aside');
    this.#options.onFound('damaged');
    this.#toSetAside.set(agent, this.#options.files().abandon(agent, error));
    void this.#options.sync().forget(agent);
    // Not now: this may be in the middle of a read or a transaction on that very file.
    setImmediate(() => this.#carryOn());
    return error;
  }

  /** Where an agent's last file stands, to be read by another process; null if there is none. The live one must be closed. */
  lastFileOf(agent: string): string | null {
    const { damage, setAside: name } = this.#of(agent);
    const moved = damage === null || name === null ? [] : [join(this.#folder(name), `${agent}.db`)];
    return [...moved, this.#path(agent)].find((path) => existsSync(path)) ?? null;
  }

  /** How far an agent's file is known to have come. */
  markOf(agent: string): number {
    return this.#of(agent).seq;
  }

  /** The stream an agent's last file held; null if it was never opened. */
  incarnationOf(agent: string): string | null {
    return this.#of(agent).incarnation;
  }

  /** The folder an agent's last file is in, or goes to once another one takes its place. */
  folderOf(agent: string): string {
    const known = this.#of(agent);
    known.setAside ??= this.#freshName(agent);
    return this.#folder(known.setAside);
  }

  /** An agent's file is rebuilt from now on: it does not serve meanwhile. */
  beginRestoring(agent: string, source: string): void {
    this.#options.marks.noteRestoring(agent, source);
    this.#of(agent).restoring = source;
    void this.#options.sync().forget(agent);
  }

  /** Rebuilding was given up: all is as it was before. Not once the rebuilt file was to take its place. */
  endRestoring(agent: string): void {
    if (this.#of(agent).restoring === SWAPPING) return;
    this.#options.marks.noteRestoring(agent, null);
    const known = this.#of(agent);
    known.restoring = null;
    if (known.damage !== null) return;
    known.setAside = null;
    this.#options.sync().written(agent);
  }

  /** Where a rebuilt file is made. */
  rebuiltPath(agent: string): string {
    return `${this.#path(agent)}.restoring`;
  }

  /** The rebuilt file, whole, closed and without a log, takes the place of the one there is, which is set aside. */
  swapIn(agent: string, built: Omit<SeqMark, 'agent'>): void {
    const known = this.#of(agent);
    const name = known.setAside ?? this.#freshName(agent);
    this.#options.marks.noteSwap({ agent, ...built }, SWAPPING, name);
    Object.assign(known, { restoring: SWAPPING, setAside: name, ...built });
    this.#finishSwap(agent, known);
  }

  #finishSwap(agent: string, known: Known): void {
    const path = this.#path(agent);
    const rebuilt = this.rebuiltPath(agent);
    // Nobody may go on with the file before, nor with what a stream of it knew.
    this.#options.files().withdraw(agent);
    void this.#options.sync().forget(agent);
    if (existsSync(rebuilt)) {
      this.#moveAside(agent, known);
      renameSync(rebuilt, path);
      syncDirectory(dirname(path));
    }
    this.#options.onReplaced();
    this.#options.marks.noteRestored(agent);
    const { incarnation, seq } = known;
    this.#known.set(agent, { ...nothingKnown(), incarnation, seq });
    this.#toSetAside.delete(agent);
    this.#options.sync().written(agent);
  }

  #putBack(agent: string, known: Known, seq: number): void {
    const putBackAtMs = this.#options.now();
    const found = { agent, seq, noted_seq: known.seq };
    this.#options.log.error(found, 'the file of an agent ends before what was noted of it: it is an older copy');
    this.#options.onFound('put-back');
    this.#options.onReplaced();
    this.#options.marks.notePutBack(agent, seq, putBackAtMs);
    Object.assign(known, { seq, putBackAtMs });
    // What its stream knew of the relay was known by the file that was here before.
    void this.#options.sync().forget(agent);
  }

  // Whatever was decided and not yet done, after a crash or on a disk that took no writes.
  #carryOn(): void {
    for (const [agent, known] of this.#known) {
      if (known.restoring === SWAPPING) this.#tryAgain(agent, () => this.#finishSwap(agent, known));
    }
    for (const [agent, close] of this.#toSetAside) {
      this.#tryAgain(agent, () => {
        const known = this.#of(agent);
        // Of one that is replaced, what stands in its place may be the rebuilt file already.
        if (known.damage === null || known.restoring === SWAPPING) return;
        known.setAside ??= this.#freshName(agent);
        this.#options.marks.noteDamage(agent, known.damage, known.setAside);
        if (!this.#isReplacedByHand(agent, known.setAside)) this.#moveAside(agent, known);
        close();
        this.#toSetAside.delete(agent);
      });
    }
  }

  // Once it was moved, what stands in its place was put there by somebody, and stays until a restore.
  #isReplacedByHand(agent: string, name: string): boolean {
    const path = this.#path(agent);
    return existsSync(path) && existsSync(join(this.#folder(name), basename(path)));
  }

  #moveAside(agent: string, { setAside: name, damage, incarnation, seq }: Known): void {
    const path = this.#path(agent);
    if (name === null) return;
    // Damage has its reason written down in any case: a crash may have come between moving the file and that.
    if (damage === null && !databaseFiles(path).some((file) => existsSync(file))) return;
    setAside(path, this.#folder(name), {
      agent,
      reason: damage?.reason ?? 'another file was put in its place',
      found_at: toTimestamp(damage?.foundAtMs ?? this.#options.now()),
      incarnation,
      seq,
    });
  }

  // A full disk must not keep the daemon from its other agents; what is left over is tried again with the next tick.
  #tryAgain(agent: string, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#options.log.error({ agent, err: error }, 'a file could not be moved; tried again');
    }
  }

  #arm(): void {
    this.#disarm = this.#options.timers.after(TICK_MS, () => {
      this.#carryOn();
      this.#noteMarks();
      this.#forgetSettled();
      this.#arm();
    });
  }

  #noteMarks(): void {
    const marks: SeqMark[] = [];
    for (const agent of this.#touched) {
      const seq = this.#options.files().lastSeq(agent);
      const known = this.#of(agent);
      if (seq === undefined || known.incarnation === null || seq <= known.seq) continue;
      marks.push({ agent, incarnation: known.incarnation, seq });
    }
    try {
      if (marks.length > 0) this.#options.marks.note(marks);
      for (const { agent, seq } of marks) this.#of(agent).seq = seq;
      this.#touched.clear();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'how far the files are could not be noted; tried again');
    }
  }

  #forgetSettled(): void {
    for (const [agent, known] of this.#known) {
      const isNoted = known.putBackAtMs !== null || known.oddity !== null;
      // A clean stream was compared with the relay and has nothing left to send.
      if (!isNoted || this.#options.sync().streamState(agent) !== 'clean') continue;
      this.#tryAgain(agent, () => {
        if (known.putBackAtMs !== null) this.#options.marks.forgetPutBack(agent);
        Object.assign(known, { putBackAtMs: null, oddity: null });
        this.#options.log.info({ agent }, 'the relay holds everything of this file again');
      });
    }
  }

  #of(agent: string): Known {
    const known = this.#known.get(agent) ?? nothingKnown();
    this.#known.set(agent, known);
    return known;
  }

  #path(agent: string): string {
    return this.#options.files().pathOf(agent);
  }

  #folder(name: string): string {
    return join(this.#options.damagedDirectory, name);
  }

  #freshName(agent: string): string {
    const stem = `${agent}-${toTimestamp(this.#options.now()).replaceAll(':', '-')}`;
    let name = stem;
    for (let number = 2; existsSync(this.#folder(name)); number += 1) name = `${stem}-${number}`;
    return name;
  }
}

const MISSING = 'the file is not there: put it back, and it serves again';

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
