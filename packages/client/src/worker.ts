import type { ClaimedTask } from '@holdfast/protocol';

import { HoldfastProblem, HoldfastUnreachable } from './errors.ts';
import { sleep } from './sleep.ts';
import { randomKey } from './random-key.ts';
import type { TaskCalls, ClaimOptions } from './task-calls.ts';

const DEFAULT_LEASE_SECONDS = 60;
const DEFAULT_IDLE_SECONDS = 1;
/** How long one claim waits for a task. */
const WAIT_SECONDS = 20;
/** Heartbeats in the time of a lease: two may be lost. */
const BEATS_PER_LEASE = 3;
/** As much of an error's message as a task keeps. */
const ERROR_LENGTH = 10_000;
/** How long to wait before what could not be told is told again, in milliseconds. */
const TELL_AGAIN_MS = 1000;

/** How a worker works. */
export interface WorkOptions extends Pick<ClaimOptions, 'from' | 'types' | 'leaseSeconds'> {
  /** Ends the work: no further task is claimed, and what is under way is asked to stop and given back. */
  readonly signal: AbortSignal;
  /** Tasks done at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** How long to wait before a claim that failed, as the daemon or another node does not answer, is tried again. Default 1. */
  readonly idleSeconds?: number | undefined;
}

/** Thrown by a handler: the task cannot be done, and trying again would not help. */
export class TaskHopeless extends Error {
  override readonly name = 'TaskHopeless';
}

type Handler = (task: ClaimedTask, signal: AbortSignal) => Promise<unknown>;

/**
 * Claims tasks and has them done, as many at once as wished, with heartbeats while each is under way. A claim waits until there is a task,
 * so that one is begun as soon as it can be. A handler's signal ends when
 * the lease is lost or the work is to end. A daemon, or another node, that cannot be reached is asked again; any other refusal of a
 * claim ends the work and is thrown. Resolves when `signal` has ended it and nothing is under way any more.
 */
export async function work(tasks: TaskCalls, handler: Handler, options: WorkOptions): Promise<void> {
  const { concurrency = 1 } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const lanes = Array.from({ length: concurrency }, async () => {
    try {
      while (!signal.aborted) await workOnce(tasks, handler, { ...options, signal });
    } catch (error) {
      failed.abort();
      throw error;
    }
  });
  const ended = await Promise.allSettled(lanes);
  const first = ended.find((lane) => lane.status === 'rejected');
  if (first !== undefined) throw first.reason;
}

async function workOnce(tasks: TaskCalls, handler: Handler, options: WorkOptions): Promise<void> {
  const { signal, idleSeconds = DEFAULT_IDLE_SECONDS, from, types, leaseSeconds } = options;
  const { task, hasFailed } = await claimOrNothing(tasks, { from, types, leaseSeconds }, signal);
  if (task === undefined) return hasFailed ? pause(idleSeconds * 1000, signal) : undefined;
  const lost = new AbortController();
  const pulse = beatRegularly(tasks, task, leaseSeconds ?? DEFAULT_LEASE_SECONDS, lost);
  try {
    await doTask(tasks, task, { handler, lost: lost.signal, ended: signal, untilMs: pulse.untilMs });
  } finally {
    pulse.stop();
  }
}

interface Claim {
  readonly task: ClaimedTask | undefined;
  readonly hasFailed: boolean;
}

async function claimOrNothing(tasks: TaskCalls, wish: ClaimOptions, signal: AbortSignal): Promise<Claim> {
  const keyed = { ...wish, idempotencyKey: randomKey() };
  try {
    return { task: await tasks.claim({ ...keyed, waitSeconds: WAIT_SECONDS, signal }), hasFailed: false };
  } catch (error) {
    if (signal.aborted) await giveBack(tasks, keyed);
    else if (!mayPass(error)) throw error;
    return { task: undefined, hasFailed: true };
  }
}

// Whoever ends a wait does not hear whether it was given a task just then: under the same key it is told, and gives it back.
async function giveBack(tasks: TaskCalls, keyed: ClaimOptions): Promise<void> {
  try {
    const task = await tasks.claim(keyed);
    if (task !== undefined) await tasks.release(task);
  } catch {
    // What cannot be told is made good by the end of the lease.
  }
}

interface Doing {
  readonly handler: Handler;
  readonly lost: AbortSignal;
  readonly ended: AbortSignal;
  /** Until when the lease lasts as far as it is known, as `performance.now` has it. */
  readonly untilMs: () => number;
}

async function doTask(tasks: TaskCalls, task: ClaimedTask, doing: Doing): Promise<void> {
  const { handler, lost, ended } = doing;
  try {
    const result = await handler(task, AbortSignal.any([lost, ended]));
    if (!lost.aborted) await tellUntilLost(() => tasks.complete(task, result), doing);
  } catch (error) {
    if (lost.aborted) return;
    await tellUntilLost(() => (ended.aborted ? tasks.release(task) : failTask(tasks, task, error)), doing);
  }
}

function failTask(tasks: TaskCalls, task: ClaimedTask, error: unknown): Promise<unknown> {
  const message = error instanceof Error ? error.message : String(error);
  return tasks.fail(task, message.slice(0, ERROR_LENGTH) || 'failed', { retry: !(error instanceof TaskHopeless) });
}

// Saying it again is harmless. What cannot be told while the lease lasts is made good by its end: the task is tried again then.
async function tellUntilLost(
  tell: () => Promise<unknown>,
  { untilMs, lost }: Pick<Doing, 'untilMs' | 'lost'>,
): Promise<void> {
  for (;;) {
    try {
      await tell();
      return;
    } catch (error) {
      if (isLeaseLost(error)) return;
      if (!mayPass(error)) throw error;
      if (lost.aborted || performance.now() > untilMs()) return;
      await pause(TELL_AGAIN_MS, lost);
    }
  }
}

function beatRegularly(
  tasks: TaskCalls,
  task: ClaimedTask,
  leaseSeconds: number,
  lost: AbortController,
): { readonly stop: () => void; readonly untilMs: () => number } {
  const leaseMs = leaseSeconds * 1000;
  let untilMs = performance.now() + leaseMs;
  const timer = setInterval(() => {
    const sentAtMs = performance.now();
    tasks.heartbeat(task, { leaseSeconds }).then(
      () => (untilMs = sentAtMs + leaseMs),
      (error: unknown) => {
        if (isLeaseLost(error)) lost.abort(error);
      },
    );
  }, leaseMs / BEATS_PER_LEASE);
  return { stop: () => clearInterval(timer), untilMs: () => untilMs };
}

function isLeaseLost(error: unknown): boolean {
  return error instanceof HoldfastProblem && error.code === 'lease-lost';
}

function mayPass(error: unknown): boolean {
  if (error instanceof HoldfastUnreachable) return true;
  // A claim is made once by its key, and all else may be said again.
  return error instanceof HoldfastProblem && (error.retryable || error.code === 'call-unanswered');
}

// An end of the wait is seen by whoever waits.
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal).catch(() => undefined);
}
