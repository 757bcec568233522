import type { ClaimedTask, Json, TaskStanding } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes, InputOf } from './calls.ts';
import { randomKey } from './random-key.ts';

/** Which task to claim. */
export interface ClaimOptions extends Omit<
  InputOf<DaemonRoutes['task.claim']>['body'],
  'lease_seconds' | 'wait_seconds'
> {
  /** How long a task is waited for where there is none, or another node is away; at most 25. Default 0. */
  readonly waitSeconds?: number | undefined;
  /** Ends the wait, with its reason. A task may have been given all the same: asking again under the same key tells. */
  readonly signal?: AbortSignal | undefined;
  /** How long it is held without a heartbeat. Default 60. */
  readonly leaseSeconds?: number | undefined;
  /** The same key again, within a day, gives the same task. Default a random key for each call. */
  readonly idempotencyKey?: string | undefined;
}

/** What tells a claim: as `claim` gave it. */
export type TaskHold = Pick<ClaimedTask, 'id' | 'from' | 'lease'>;

/** What a heartbeat may say. */
export interface HeartbeatOptions {
  /** Default 60. */
  readonly leaseSeconds?: number | undefined;
  /** From 0 to 1. */
  readonly progress?: number | undefined;
}

/** What a failure may say. */
export interface FailOptions {
  /** Whether trying again may help. Default true. */
  readonly retry?: boolean | undefined;
}

/** What a worker says. All but a claim may be said again; what tells of a task throws `lease-lost` when it is another's by now. */
export interface TaskCalls {
  /** Takes the most urgent task there is; undefined if there is none, or none came while it was waited for. */
  claim(options?: ClaimOptions): Promise<ClaimedTask | undefined>;
  /** Tells that the work goes on; the lease begins anew. */
  heartbeat(task: TaskHold, options?: HeartbeatOptions): Promise<TaskStanding>;
  /** Ends a task with its result. */
  complete(task: TaskHold, result?: unknown): Promise<TaskStanding>;
  /** Tells that this try failed. */
  fail(task: TaskHold, error: string, options?: FailOptions): Promise<TaskStanding>;
  /** Gives a task back untried. */
  release(task: TaskHold): Promise<TaskStanding>;
}

const SAME = { repeat: 'same' } as const;

/** Opens what a worker says. Nothing is sent. */
export function openTaskCalls(call: Caller<DaemonRoutes>): TaskCalls {
  return {
    claim: async ({ leaseSeconds, waitSeconds, signal, idempotencyKey = randomKey(), ...wish } = {}) => {
      const body = { ...wish, lease_seconds: leaseSeconds, wait_seconds: waitSeconds };
      const extras = { idempotencyKey, signal, waitMs: (waitSeconds ?? 0) * 1000 };
      return (await call('task.claim', { body }, extras)).value.task ?? undefined;
    },
    heartbeat: async ({ id, from, lease }, { leaseSeconds, progress } = {}) => {
      const body = { from, lease, lease_seconds: leaseSeconds, progress };
      return (await call('task.heartbeat', { params: { id }, body }, SAME)).value;
    },
    complete: async ({ id, from, lease }, result) => {
      const body = { from, lease, result: result as Json as never };
      return (await call('task.complete', { params: { id }, body }, SAME)).value;
    },
    fail: async ({ id, from, lease }, error, { retry } = {}) =>
      (await call('task.fail', { params: { id }, body: { from, lease, error, retry } }, SAME)).value,
    release: async ({ id, from, lease }) =>
      (await call('task.release', { params: { id }, body: { from, lease } }, SAME)).value,
  };
}
