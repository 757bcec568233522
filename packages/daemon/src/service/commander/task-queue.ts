import { randomUUID } from 'node:crypto';

import {
  type ClaimedTask,
  HoldfastError,
  type Now,
  type TaskClaim,
  type TaskReport,
  type TaskStanding,
} from '@holdfast/protocol';
import { type Idempotency, type RecordsTransaction, toTimestamp } from '@holdfast/store';

import type { Records, Scope } from '../records.ts';
import { keyedBy } from './peer.ts';
import { changeTask, readTask, type StoredTask } from './stored-task.ts';
import { endTask, failTry, nextTask, READY, settleDue } from './task-order.ts';

const DEFAULT_LEASE_SECONDS = 60;

/** How often those that came due are looked for while there are others to give away, in milliseconds. */
const SETTLE_MS = 250;
/** Of so many queues it is remembered when that was. */
const SETTLED_QUEUES = 10_000;

/** A worker, as its own daemon and the relay vouch for it. */
export interface Worker {
  /** What it is called where the tasks are: agent, or agent@node for one of another node. */
  readonly name: string;
  /** What it is called in a task's `workers`; empty for the tasks' own agent, which may take all. */
  readonly names: readonly string[];
}

/** What a claim takes beside its worker. */
export interface ClaimWish extends Omit<TaskClaim, 'from' | 'wait_seconds'> {
  readonly idempotency?: Idempotency | undefined;
}

/** A task just claimed, in its agent's own words. */
export type Claimed = Omit<ClaimedTask, 'from'>;

/**
 * The tasks of this node's agents. Each agent's file is the one place where it is settled who has a task of it: a claim gives
 * the task a new lease, and only with that lease can it be ended. All is decided by this node's clock.
 */
export class TaskQueue {
  readonly #records: Pick<Records, 'transact'>;
  readonly #now: Now;
  readonly #settledAtMs = new Map<string, number>();

  constructor(records: Pick<Records, 'transact'>, now: Now) {
    this.#records = records;
    this.#now = now;
  }

  /** Gives the most urgent task to a worker; null if there is none for it. Throws what `Records.transact` throws. */
  claim(owner: Scope, worker: Worker, wish: ClaimWish): Promise<Claimed | null> {
    const { types, lease_seconds: leaseSeconds = DEFAULT_LEASE_SECONDS, idempotency } = wish;
    const claim = (records: RecordsTransaction): Claimed | null => {
      const nowMs = this.#now();
      const next = (): StoredTask | undefined => nextTask(records, { names: worker.names, types }, nowMs);
      const isSettled = this.#isSettled(owner, nowMs);
      if (!isSettled) this.#settle(records, owner, nowMs);
      let task = next();
      if (task === undefined && isSettled) {
        this.#settle(records, owner, nowMs);
        task = next();
      }
      return task === undefined ? null : given(records, task, { worker, leaseSeconds, nowMs });
    };
    return this.#records.transact(owner, claim, keyedBy(worker.name, idempotency));
  }

  /** Notes what a worker says of a task. Throws `record-not-found`, `lease-lost`, and what `Records.transact` throws. */
  report(
    owner: Scope,
    worker: Worker,
    { id, report }: { readonly id: string; readonly report: TaskReport },
  ): Promise<TaskStanding> {
    return this.#records.transact(owner, (records) => {
      const nowMs = this.#now();
      const task = heldTask(records, worker, id, report.lease);
      return standing(isEnded(task, report) ? task : noted(records, task, report, nowMs));
    });
  }

  #isSettled(owner: Scope, nowMs: number): boolean {
    const settledAtMs = this.#settledAtMs.get(queueKey(owner)) ?? -Infinity;
    return Math.abs(nowMs - settledAtMs) < SETTLE_MS;
  }

  // To look for what is due costs as much as to find the next task.
  #settle(records: RecordsTransaction, owner: Scope, nowMs: number): void {
    settleDue(records, nowMs);
    if (this.#settledAtMs.size >= SETTLED_QUEUES) this.#settledAtMs.clear();
    this.#settledAtMs.set(queueKey(owner), nowMs);
  }
}

function queueKey({ agent, resource }: Scope): string {
  return `${agent} ${resource}`;
}

function given(
  records: RecordsTransaction,
  task: StoredTask,
  { worker, leaseSeconds, nowMs }: { readonly worker: Worker; readonly leaseSeconds: number; readonly nowMs: number },
): Claimed {
  const lease = randomUUID();
  const dueAt = toTimestamp(nowMs + leaseSeconds * 1000);
  const started = { started_at: toTimestamp(nowMs), progress: null };
  const held = { status: 'assigned', worker: worker.name, lease, due_at: dueAt } as const;
  return claimed(changeTask(records, task, { ...held, ...started }), lease, dueAt);
}

function noted(records: RecordsTransaction, task: StoredTask, report: TaskReport, nowMs: number): StoredTask {
  const { status, due_at: dueAt } = task.document;
  const isHeld = status === 'assigned' || status === 'in_progress';
  // A lease that has ended is not taken up again, although nobody else claimed the task yet: it might be given away any moment.
  if (!isHeld || typeof dueAt !== 'string' || Date.parse(dueAt) <= nowMs) throw leaseLost(task.id);
  switch (report.kind) {
    case 'heartbeat': {
      const { progress, lease_seconds: leaseSeconds = DEFAULT_LEASE_SECONDS } = report;
      const due_at = toTimestamp(nowMs + leaseSeconds * 1000);
      return changeTask(records, task, { status: 'in_progress', due_at, ...(progress !== undefined && { progress }) });
    }
    case 'complete':
      return endTask(
        records,
        task,
        { status: 'completed', progress: 1, result: report.result ?? null, error: null },
        nowMs,
      );
    case 'fail':
      return failTry(records, task, { error: report.error, retry: report.retry ?? true }, nowMs);
    case 'release':
      return changeTask(records, task, { ...READY, progress: null });
  }
}

// Whose lease it is says who may speak of the task, also after it ended: an answer may have been lost.
function heldTask(records: RecordsTransaction, worker: Worker, id: string, lease: string): StoredTask {
  const task = readTask(records, id);
  const isOthers = task !== undefined && task.document.worker !== worker.name;
  if (task === undefined) throw new HoldfastError('record-not-found', `there is no task "${id}"`);
  if (isOthers || task.document.lease !== lease) throw leaseLost(id);
  return task;
}

/** Whether the same was said before, and came about. */
function isEnded({ document: { status } }: StoredTask, { kind }: TaskReport): boolean {
  if (kind === 'complete') return status === 'completed';
  if (kind === 'fail') return status === 'failed' || status === 'waiting' || status === 'pending';
  return kind === 'release' && status === 'pending';
}

function leaseLost(id: string): HoldfastError {
  return new HoldfastError('lease-lost', `this lease of the task "${id}" has ended`);
}

function claimed({ id, document }: StoredTask, lease: string, dueAt: string): Claimed {
  const { type, payload = null, priority, retries } = document;
  return {
    id,
    lease,
    due_at: dueAt,
    type,
    payload: payload as ClaimedTask['payload'],
    priority: priority ?? 0,
    retries: retries ?? 0,
  };
}

function standing({ id, document }: StoredTask): TaskStanding {
  return { id, status: document.status ?? 'pending', due_at: document.due_at ?? null };
}
