import { type IndexWalk, type RecordsTransaction, toTimestamp } from '@holdfast/store';

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
    const due = takeTasks(records, { index: ['status', 'due_at'], equal: [status], atMost }, { limit: DUE_TASKS });
    for (const task of due)
      if (status === 'waiting') changeTask(records, task, READY);
      else failTry(records, task, LEASE_ENDED, nowMs);
  }
}

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
  const next =
    delaySeconds > 0 ? ({ status: 'waiting', due_at: toTimestamp(nowMs + delaySeconds * 1000) } as const) : READY;
  return changeTask(records, task, { ...next, retries, error, progress: null });
}

/** What a task is that may be claimed at once. */
export const READY: Pick<TaskDocument, 'status' | 'due_at'> = { status: 'pending', due_at: null };

/** Ends a task; those that waited for it are looked at again. */
export function endTask(
  records: RecordsTransaction,
  task: StoredTask,
  ending: Partial<TaskDocument> & { readonly status: 'completed' | 'failed' },
  nowMs: number,
): StoredTask {
  const ended = changeTask(records, task, { due_at: null, completed_at: toTimestamp(nowMs), ...ending });
  for (const dependent of findDependents(records, task.id, DUE_TASKS)) isReady(records, dependent, nowMs);
  return ended;
}

/** Whether a task can be begun. If not, it waits from then on, or has failed with one it needs. */
function isReady(records: RecordsTransaction, task: StoredTask, nowMs: number): boolean {
  const { status, due_at: dueAt } = task.document;
  if (status === 'pending' && typeof dueAt === 'string' && Date.parse(dueAt) > nowMs) {
    changeTask(records, task, { status: 'waiting' });
    return false;
  }
  const needed = (task.document.dependencies ?? []).map((id) => ({
    id,
    status: readTask(records, id)?.document.status,
  }));
  const lost = needed.find((each) => each.status === 'failed' || each.status === 'cancelled');
  if (lost !== undefined) {
    endTask(
      records,
      task,
      {
        status: 'failed',
        error: `it needs the task "${lost.id}", which ${lost.status === 'failed' ? 'has failed' : 'was cancelled'}`,
      },
      nowMs,
    );
    return false;
  }
  const isWaiting = needed.some((each) => each.status !== 'completed');
  if (isWaiting) changeTask(records, task, { status: 'waiting', due_at: toTimestamp(nowMs + RECHECK_MS) });
  else if (status === 'waiting') changeTask(records, task, READY);
  return !isWaiting;
}

// An index has priorities in order: first the highest one there is for the worker, then the lowest id of that priority.
function mostUrgent(records: RecordsTransaction, { names, types }: Wanted): StoredTask | undefined {
  const accept = ({ workers }: TaskDocument): boolean =>
    names.length === 0 || (workers ?? []).some((worker) => names.includes(worker));
  const fronts = types?.map((type) => ({ index: BY_TYPE, equal: ['pending', type] })) ?? [ALL_TYPES];
  const first = (walk: IndexWalk): StoredTask | undefined => takeTasks(records, walk, { limit: 1, accept })[0];
  const found = fronts.flatMap((front) => {
    const priority = first({ ...front, isDescending: true })?.document.priority ?? undefined;
    return priority === undefined ? [] : [{ front, priority }];
  });
  const highest = Math.max(...found.map(({ priority }) => priority));
  const tasks = found
    .filter(({ priority }) => priority === highest)
    .flatMap(({ front }) => first({ ...front, equal: [...front.equal, highest] }) ?? []);
  return tasks.toSorted((one, other) => (one.id < other.id ? -1 : 1))[0];
}

const BY_TYPE = ['status', 'type', 'priority'];
const ALL_TYPES = { index: ['status', 'priority'], equal: ['pending'] };

function retryDelaySeconds({ retry_seconds: seconds }: TaskDocument, retries: number): number {
  return Math.min((seconds ?? 0) * 2 ** (retries - 1), DAY_SECONDS);
}
