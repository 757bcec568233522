import { tasksCollection } from '@holdfast/protocol';
import { type IndexWalk, indexWalk, type RecordsTransaction, toTimestamp } from '@holdfast/store';

import { changeTask, findDependents, readTask, type StoredTask, takeTasks, type TaskDocument } from './stored-task.ts';

/** Tasks that come due together and are looked at before one claim; the next claim goes on. */
const DUE_TASKS = 100;

/** Tasks that turn out not to be ready and are put aside in one claim; the next claim goes on. */
const UNREADY_TASKS = 500;

/** How often a task that waits for others is looked at although nobody told of them, in milliseconds. */
const RECHECK_MS = 60_000;

const DAY_SECONDS = 86_400;

/** Which tasks a worker may take and wants. */
export interface Wanted {
  /** What it is called in a task's `workers`; empty: it is the tasks' own agent, which may take all. */
  readonly names: readonly string[];
  /** Undefined: of every type. */
  readonly types?: readonly string[] | undefined;
}

/** Takes back what no worker holds any more, and wakes what waited for its time. */
export function settleDue(records: RecordsTransaction, nowMs: number): void {
  const atMost = toTimestamp(nowMs);
  for (const status of ['assigned', 'in_progress', 'waiting'] as const) {
    const due = takeTasks(records, DUE, { values: [status, atMost], limit: DUE_TASKS });
    for (const task of due)
      if (status === 'waiting') changeTask(records, task, READY);
      else failTry(records, task, LEASE_ENDED, nowMs);
  }
}

const DUE = indexWalk(tasksCollection, { index: ['status', 'due_at'], equal: 1, next: 'at-most' });

const LEASE_ENDED: FailedTry = { error: 'its worker was not heard of until the lease ended', delaySeconds: 0 };

/** The most urgent task that can be begun now; among equal ones the one with the lowest id, which is the oldest of those made here. */
export function nextTask(records: RecordsTransaction, wanted: Wanted, nowMs: number): StoredTask | undefined {
  for (let unready = 0; unready < UNREADY_TASKS; unready += 1) {
    const task = mostUrgent(records, wanted);
    if (task === undefined || isReady(records, task, nowMs)) return task;
  }
  return undefined;
}

/** What a failed try is said to have been, and how long to wait before the next. */
export interface FailedTry {
  readonly error: string;
  /** Undefined: as the task says, doubled with each try. */
  readonly delaySeconds?: number;
  /** Whether it may be tried again; default true. */
  readonly retry?: boolean;
}

/** Notes a try that failed: the task waits for the next one, or has failed. */
export function failTry(records: RecordsTransaction, task: StoredTask, tried: FailedTry, nowMs: number): StoredTask {
  const { document } = task;
  const retries = (document.retries ?? 0) + 1;
  const { error, retry = true } = tried;
  if (!retry || retries > (document.max_retries ?? 0)) {
    return endTask(records, task, { status: 'failed', retries, error }, nowMs);
  }
  const delaySeconds = tried.delaySeconds ?? retryDelaySeconds(document, retries);
  const next = delaySeconds > 0 ? waitsForTime(nowMs + delaySeconds * 1000) : READY;
  return changeTask(records, task, { ...next, retries, error, progress: null });
}

type Place = Pick<TaskDocument, 'status' | 'due_at' | 'waits_for'>;

/** What a task is that may be claimed at once. */
export const READY: Place = { status: 'pending', due_at: null, waits_for: null };

function waitsForTime(dueMs: number): Place {
  return { status: 'waiting', due_at: toTimestamp(dueMs), waits_for: 'time' };
}

/** Ends a task. Those that need it are looked at again, and those that need them, if they failed with it. */
export function endTask(
  records: RecordsTransaction,
  task: StoredTask,
  ending: Partial<TaskDocument> & { readonly status: 'completed' | 'failed' },
  nowMs: number,
): StoredTask {
  const ended = changeTask(records, task, { due_at: null, completed_at: toTimestamp(nowMs), ...ending });
  tellDependents(records, task.id, nowMs);
  return ended;
}

function tellDependents(records: RecordsTransaction, endedId: string, nowMs: number): void {
  const endedIds = [endedId];
  // What is too much for one step is looked at when it comes due.
  for (let looked = 0, id = endedIds.shift(); id !== undefined && looked < DUE_TASKS; id = endedIds.shift())
    for (const dependent of findDependents(records, id, DUE_TASKS)) {
      looked += 1;
      if (judge(records, dependent, nowMs) === 'lost') endedIds.push(dependent.id);
    }
}

function isReady(records: RecordsTransaction, task: StoredTask, nowMs: number): boolean {
  const judged = judge(records, task, nowMs);
  if (judged === 'lost') tellDependents(records, task.id, nowMs);
  return judged === 'ready';
}

/** Whether a task can be begun. If not, it waits from then on, or has failed with one it needs. */
function judge(records: RecordsTransaction, task: StoredTask, nowMs: number): 'ready' | 'waits' | 'lost' {
  const { status, due_at: dueAt, waits_for: waitsFor, dependencies } = task.document;
  if (typeof dueAt === 'string' && Date.parse(dueAt) > nowMs && waitsFor !== 'dependencies') {
    if (status === 'pending') changeTask(records, task, waitsForTime(Date.parse(dueAt)));
    return 'waits';
  }
  const needed = (dependencies ?? []).map((id) => ({ id, status: readTask(records, id)?.document.status }));
  const lost = needed.find((each) => each.status === 'failed' || each.status === 'cancelled');
  if (lost !== undefined) {
    const error = `it needs the task "${lost.id}", which ${lost.status === 'failed' ? 'has failed' : 'was cancelled'}`;
    changeTask(records, task, { ...READY, status: 'failed', error, completed_at: toTimestamp(nowMs) });
    return 'lost';
  }
  if (needed.some((each) => each.status !== 'completed')) {
    const due_at = toTimestamp(nowMs + RECHECK_MS);
    changeTask(records, task, { status: 'waiting', due_at, waits_for: 'dependencies' });
    return 'waits';
  }
  if (status === 'waiting') changeTask(records, task, READY);
  return 'ready';
}

function mostUrgent(records: RecordsTransaction, { names, types }: Wanted): StoredTask | undefined {
  const [whose, listed] = names.length === 0 ? (['own', []] as const) : (['listed', [JSON.stringify(names)]] as const);
  const first = (walk: IndexWalk, ...equal: string[]): StoredTask[] =>
    takeTasks(records, walk, { values: [...equal, ...listed], limit: 1 });
  if (types === undefined) return first(MOST_URGENT[whose], 'pending')[0];
  const ofEachType = types.flatMap((type) => first(MOST_URGENT_OF_TYPE[whose], 'pending', type));
  return ofEachType.toSorted(byUrgency)[0];
}

function byUrgency(one: StoredTask, other: StoredTask): number {
  return (other.document.priority ?? 0) - (one.document.priority ?? 0) || (one.id < other.id ? -1 : 1);
}

const MOST_URGENT = mostUrgentAlong('status', 'priority');
const MOST_URGENT_OF_TYPE = mostUrgentAlong('status', 'type', 'priority');

// Those that a worker may take are its own, or list it.
function mostUrgentAlong(...index: string[]): Readonly<Record<'own' | 'listed', IndexWalk>> {
  const shape = { index, equal: index.length - 1, next: 'greatest' } as const;
  return {
    own: indexWalk(tasksCollection, shape),
    listed: indexWalk(tasksCollection, { ...shape, listed: 'workers' }),
  };
}

function retryDelaySeconds({ retry_seconds: seconds }: TaskDocument, retries: number): number {
  return Math.min((seconds ?? 0) * 2 ** (retries - 1), DAY_SECONDS);
}
