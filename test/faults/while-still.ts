import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import { eventually } from '@holdfast/testkit';

const LIMIT_MS = 10_000;

/**
 * Does something to the disk under a process while none of its threads is in a system call, and lets the process go on
 * if it is still there. ext4 lets a sync that is under way while the file system is shut down end as if all were well, and
 * no program can do anything about that.
 */
export async function whileStill(pid: number, act: () => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await eventually(() => assert.deepEqual(new Set(threadStates(pid)), new Set(['T'])), {
      limitMs: LIMIT_MS,
      everyMs: 2,
    });
    await act();
  } finally {
    goOn(pid);
  }
}

function goOn(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}

/** The state of each thread as Linux tells it: the letter behind the name in brackets. */
function threadStates(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3);
  });
}
