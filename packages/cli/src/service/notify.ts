import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { Environment } from '../config/locations.ts';

/** Tells the service manager about the service's state (sd_notify(3)). */
export interface Notify {
  /** Up and serving; `status` is shown by `systemctl status`. */
  ready(status: string): Promise<void>;
  stopping(): Promise<void>;
  /** Still well; restarts the watchdog. */
  alive(): Promise<void>;
  /** How often `alive` is due, in milliseconds: half of WATCHDOG_USEC. Undefined if nobody watches. */
  readonly watchdogMs: number | undefined;
}

/** Runs `systemd-notify` with these assignments. */
export type NotifyProgram = (assignments: readonly string[]) => Promise<unknown>;

const execute = promisify(execFile);
const runSystemdNotify: NotifyProgram = (assignments) => execute('systemd-notify', [...assignments]);

/**
 * Talks to systemd where it listens (NOTIFY_SOCKET), through its own program, since Node has no unix datagrams.
 * Elsewhere every call does nothing. Calls reject when the program is missing or fails.
 */
export function makeNotify(environment: Environment, program: NotifyProgram = runSystemdNotify): Notify {
  const isHeard = Boolean(environment['NOTIFY_SOCKET']);
  const tell = async (...assignments: readonly string[]): Promise<void> => {
    if (isHeard) await program(assignments);
  };
  return {
    ready: (status) => tell('READY=1', `STATUS=${status}`),
    stopping: () => tell('STOPPING=1', 'STATUS=stopping'),
    alive: () => tell('WATCHDOG=1'),
    watchdogMs: isHeard ? watchdogInterval(environment) : undefined,
  };
}

function watchdogInterval(environment: Environment): number | undefined {
  const microseconds = Number(environment['WATCHDOG_USEC']);
  return microseconds > 0 ? microseconds / 2000 : undefined;
}
