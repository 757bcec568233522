import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastError, isHoldfastError, type RestoreReport, type RestoreStatus } from '@holdfast/protocol';
import { toTimestamp } from '@holdfast/store';
import PQueue from 'p-queue';

import type { RestoreContext, RestoreSource } from './context.ts';
import { rebuildFile, type Rebuilt, removeScratch } from './rebuild.ts';

/** Files rebuilt at once. */
const AT_ONCE = 2;

/** How long to wait before an agent that was taken over, and has no other file, is tried again. */
const ADOPTED_RETRY_MS = 15_000;

/** What the database says of an agent that was taken over and waits for its first file here. */
export const ADOPTED = 'adopted';

const BACKUP = 'backup:';

interface Progress {
  state: RestoreStatus['state'];
  recordsDone: number;
  startedAtMs: number;
  endedAtMs: number | null;
  error: string | null;
  report: RestoreReport | null;
}

/** Rebuilds agents' files, a few at a time. What was begun is begun anew after a crash, until it is done or failed. */
export class Restores {
  readonly #context: RestoreContext;
  readonly #queue = new PQueue({ concurrency: AT_ONCE });
  readonly #progress = new Map<string, Progress>();
  readonly #abort = new AbortController();

  constructor(context: RestoreContext) {
    this.#context = context;
  }

  /** Goes on with what a crash or a stop interrupted, of these agents, and removes what is left of other attempts. */
  resume(agents: readonly string[]): void {
    const { custody } = this.#context;
    for (const agent of agents) {
      const noted = custody.restoringOf(agent);
      if (noted === null) removeScratch(custody.rebuiltPath(agent));
      else if (!custody.isSwapping(agent)) this.#enqueue(agent, noted);
    }
  }

  /**
   * Begins to rebuild an agent's file; from now on it does not serve. Throws `work-under-way`, and `not-enrolled` when
   * there is no relay to restore from.
   */
  begin(agent: string, source: RestoreSource): void {
    if (this.#context.custody.stateOf(agent) === 'restoring') {
      throw new HoldfastError('work-under-way', `agent "${agent}" is being restored`);
    }
    if (source.from === 'relay') this.#assertRelay();
    const noted = source.from === 'relay' ? 'relay' : `${BACKUP}${source.backup ?? ''}`;
    // It may wait for its turn: a file that stayed open would take writes meanwhile.
    this.#context.files.withdraw(agent);
    this.#context.custody.beginRestoring(agent, noted);
    this.#enqueue(agent, noted);
  }

  /** Begins to make the first file of an agent that was taken over. */
  beginAdopted(agent: string): void {
    this.#context.custody.beginRestoring(agent, ADOPTED);
    this.#enqueue(agent, ADOPTED);
  }

  /** How far restoring an agent is. */
  status(agent: string): RestoreStatus {
    const progress = this.#progress.get(agent);
    return {
      agent,
      state: progress?.state ?? 'none',
      records_done: progress?.recordsDone ?? 0,
      started_at: progress === undefined ? null : toTimestamp(progress.startedAtMs),
      ended_at: typeof progress?.endedAtMs === 'number' ? toTimestamp(progress.endedAtMs) : null,
      error: progress?.error ?? null,
      report: progress?.report ?? null,
    };
  }

  /** Interrupts what is under way; it goes on at the next start. */
  async stop(): Promise<void> {
    this.#queue.clear();
    this.#abort.abort(new Error('the daemon stops'));
    await this.#queue.onIdle();
  }

  #assertRelay(): void {
    const relay = this.#context.relay();
    if (relay === undefined) throw new HoldfastError('not-enrolled', 'there is no relay to restore from');
    void relay.transport.close();
  }

  #enqueue(agent: string, noted: string): void {
    const progress: Progress = {
      state: 'running',
      recordsDone: 0,
      startedAtMs: this.#context.now(),
      endedAtMs: null,
      error: null,
      report: null,
    };
    this.#progress.set(agent, progress);
    void this.#queue.add(() => this.#restore(agent, noted, progress));
  }

  async #restore(agent: string, noted: string, progress: Progress): Promise<void> {
    const { log, now } = this.#context;
    const { signal } = this.#abort;
    try {
      const onProgress = (records: number): void => void (progress.recordsDone = records);
      const rebuilt = await rebuildFile({ agent, source: sourceOf(noted), onProgress, signal }, this.#context);
      const report = this.#keepReport(agent, rebuilt.report);
      this.#swapIn(agent, rebuilt);
      Object.assign(progress, { state: 'done', report });
      const { records, salvaged, lost_count, is_complete } = report;
      log.warn({ agent, from: report.from, records, salvaged, lost_count, is_complete }, 'an agent was restored');
    } catch (error) {
      if (signal.aborted) return;
      Object.assign(progress, { state: 'failed', error: reasonOf(error) });
      log.error({ agent, err: error }, 'an agent could not be restored');
      this.#giveUp(agent, noted);
    } finally {
      progress.endedAtMs = now();
    }
  }

  // Once the swap is decided it is carried out, now or when the disk lets it: the custody sees to that.
  #swapIn(agent: string, { incarnation, seq }: Rebuilt): void {
    const { custody, log } = this.#context;
    try {
      custody.swapIn(agent, { incarnation, seq });
    } catch (error) {
      if (!custody.isSwapping(agent)) throw error;
      log.error({ agent, err: error }, 'a rebuilt file could not take its place yet; tried again');
    }
  }

  /** Puts the report beside the file it speaks of, if there is one: the answer to a call is gone with the process. */
  #keepReport(agent: string, report: Omit<RestoreReport, 'set_aside'>): RestoreReport {
    const { custody } = this.#context;
    if (custody.lastFileOf(agent) === null) return { ...report, set_aside: null };
    const folder = custody.folderOf(agent);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const whole = { ...report, set_aside: folder };
    writeFileSync(join(folder, 'restore.json'), `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600, flush: true });
    return whole;
  }

  #giveUp(agent: string, noted: string): void {
    const { custody, timers, log } = this.#context;
    try {
      // One that was taken over has nothing to go back to.
      if (noted === ADOPTED) timers.after(ADOPTED_RETRY_MS, () => this.#signalled(() => this.#enqueue(agent, noted)));
      else custody.endRestoring(agent);
    } catch (error) {
      log.error(
        { agent, err: error },
        'that a restore was given up could not be noted: it begins anew at the next start',
      );
    }
  }

  #signalled(run: () => void): void {
    if (!this.#abort.signal.aborted) run();
  }
}

function sourceOf(noted: string): RestoreSource {
  if (!noted.startsWith(BACKUP)) return { from: 'relay' };
  return { from: 'backup', backup: noted.slice(BACKUP.length) || undefined };
}

function reasonOf(error: unknown): string {
  return isHoldfastError(error) ? `${error.code}: ${error.message}` : 'something failed on this node: see its log';
}
