import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

import type { HeldLock } from '@holdfast/client';

import { CommandError } from '../command-error.ts';

/** How long a command that was asked to end may take, in milliseconds. */
const GRACE_MS = 5000;
/** What ends this program ends the command under the lock, and then this program. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command while a lock is held; gives its exit code, 128 and the signal's number if one ended it. When the lock is lost the
 * command is asked to end, and killed five seconds later, and `lease-lost` is thrown. Throws CommandError when it cannot be run.
 */
export async function runUnderLock(lock: HeldLock, [program = '', ...args]: readonly string[]): Promise<number> {
  const environment = { ...process.env, HOLDFAST_FENCE: lock.ifFence };
  const child = spawn(program, args, { stdio: 'inherit', env: environment });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const lost = (): void => endSoon(child);
  for (const signal of SIGNALS) process.on(signal, pass);
  lock.signal.addEventListener('abort', lost, { once: true });
  try {
    const { code, signal } = await ended(child, program);
    if (lock.signal.aborted) throw lostWhileRunning(lock.name);
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    lock.signal.removeEventListener('abort', lost);
    for (const signal of SIGNALS) process.off(signal, pass);
  }
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

async function ended(child: ChildProcess, program: string): Promise<End> {
  try {
    const [code, signal] = (await once(child, 'close')) as [End['code'], End['signal']];
    return { code, signal };
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new CommandError(`"${program}" cannot be run: ${code}`, 'Give a program after `--`, with its arguments.');
  }
}

function endSoon(child: ChildProcess): void {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  child.once('close', () => clearTimeout(timer));
}

function lostWhileRunning(name: string): CommandError {
  const remedy = 'Somebody else may have it. The command was ended; look at what it did before you run it again.';
  return new CommandError(`the lock "${name}" was lost while the command ran`, remedy, 1, 'lease-lost');
}
