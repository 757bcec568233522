import { setTimeout as pause } from 'node:timers/promises';

import type { Logger } from 'pino';

import type { Notify } from './notify.ts';

/** A service as it runs. */
export interface Running {
  readonly url: string;
  stop(): Promise<void>;
  healthy(): Promise<boolean>;
  /** Resolves when the disk failed: the process must end. */
  readonly failed: Promise<unknown>;
}

/** `EX_IOERR` of sysexits.h: the disk failed, and the next start finds out what is on it. */
const DISK_FAILED_EXIT = 74;
/** How long those who wait are given to read that nothing of theirs was stored. */
const FAREWELL_MS = 1000;

/** What running a service needs from outside. */
export interface Surroundings {
  readonly log: Logger;
  readonly notify: Notify;
  /** Carries `SIGTERM`, `SIGINT` and what nobody caught; `process`. */
  readonly process: NodeJS.EventEmitter;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

/**
 * Runs a service until SIGTERM or SIGINT, then stops it in an orderly way and ends the process with 0; a second
 * signal ends it at once with 1. So does a failure that nobody caught, after a last log line: what was acknowledged
 * is on the disk. When the disk failed it ends with 74, whoever still waits.
 *
 * Rejects with what `start` rejects with.
 */
export async function runService(start: () => Promise<Running>, surroundings: Surroundings): Promise<void> {
  const { log, notify, exit } = surroundings;
  const signalled = firstSignal(surroundings);
  watchForCrashes(surroundings);
  const service = await start();
  log.info({ url: service.url }, 'serving');
  await notify.ready(`serving ${service.url}`);
  const endWatch = startWatchdog(service, surroundings);
  let hasFailed = false;
  const failed = service.failed.then(() => {
    hasFailed = true;
  });
  const signal = await Promise.race([signalled, failed]);
  endWatch();
  if (signal === undefined) {
    await Promise.race([service.stop(), pause(FAREWELL_MS)]);
    return exit(DISK_FAILED_EXIT);
  }
  log.info({ signal }, 'stopping');
  await notify.stopping();
  await service.stop();
  log.info('stopped');
  exit(hasFailed ? DISK_FAILED_EXIT : 0);
}

function firstSignal({ process, exit, log }: Surroundings): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = (signal: string): void => {
      if (isStopping) {
        log.warn({ signal }, 'second signal: ending at once');
        exit(1);
      }
      isStopping = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

function watchForCrashes({ process, exit, log }: Surroundings): void {
  const onCrash = (error: unknown): void => {
    log.fatal({ err: error }, 'a failure nobody caught: ending');
    exit(1);
  };
  process.on('unhandledRejection', onCrash);
  process.on('uncaughtException', onCrash);
}

/** Tells the service manager at intervals that the service is healthy, as long as it is. */
function startWatchdog(service: Running, { notify, log }: Surroundings): () => void {
  if (notify.watchdogMs === undefined) return () => {};
  const check = async (): Promise<void> => {
    if (await service.healthy()) await notify.alive();
    else log.error('not healthy: the watchdog is not told');
  };
  const timer = setInterval(() => {
    check().catch((error: unknown) => log.error({ err: error }, 'the watchdog could not be told'));
  }, notify.watchdogMs);
  return () => clearInterval(timer);
}
