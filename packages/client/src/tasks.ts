import type { BuiltInDocuments, ClaimedTask, WriteAnswer } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { DaemonRoutes } from './calls.ts';
import type { CollectionClient, CreateOptions } from './collection.ts';
import { openTaskCalls, type TaskCalls } from './task-calls.ts';
import { work, type WorkOptions } from './worker.ts';

/** A task to be made. */
export type NewTask = Pick<
  BuiltInDocuments['tasks'],
  'type' | 'payload' | 'priority' | 'workers' | 'dependencies' | 'due_at' | 'max_retries' | 'retry_seconds'
>;

/**
 * Tasks: made by one agent, done once by a worker that holds their lease. They are records of the collection `tasks`. What tells of
 * a task throws `lease-lost` when it is another's by now; all but a claim may be said again.
 */
export interface TasksClient extends TaskCalls {
  /** Makes a task of this agent. */
  add(task: NewTask, options?: CreateOptions): Promise<WriteAnswer>;
  /**
   * Claims tasks and has `handler` do them, until `signal` ends it; see `work`. What the handler gives is the result, what it throws
   * fails the try.
   */
  work(handler: (task: ClaimedTask, signal: AbortSignal) => Promise<unknown>, options: WorkOptions): Promise<void>;
}

/** Opens the agent's tasks. Nothing is sent. */
export function openTasks(call: Caller<DaemonRoutes>, tasks: Pick<CollectionClient<NewTask>, 'create'>): TasksClient {
  const calls = openTaskCalls(call);
  return {
    ...calls,
    add: (task, options) => tasks.create(task, options),
    work: (handler, options) => work(calls, handler, options),
  };
}
