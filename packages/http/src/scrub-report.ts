import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';

/** How many damaged records a log line lists. */
const MAX_LOGGED = 10;

/** What checking a file found, as far as it is told. */
export interface CheckedFile {
  readonly state: 'sound' | 'damaged' | 'unreadable';
  readonly bytes: number;
  readonly records: number;
  readonly problems: readonly { readonly kind: string; readonly count: number; readonly detail: string }[];
  readonly damagedRecords: readonly { readonly place: number; readonly collection: string }[];
  readonly error: string | null;
}

/**
 * Logs and counts what the background check of all files finds, the same in both services. The function returned takes
 * each report, with the name of its file. `lastPassAtMs` is read whenever somebody looks.
 */
export function reportScrub(
  log: Logger,
  registry: Registry,
  lastPassAtMs: () => number | null,
): (file: string, report: CheckedFile) => void {
  const registers = [registry];
  const checked = new Counter({
    name: 'holdfast_scrub_files_checked_total',
    help: 'Files checked for damage',
    registers,
  });
  const problems = new Counter({ name: 'holdfast_scrub_problems_total', help: 'Damage found by checking', registers });
  const lastPass: Gauge = new Gauge({
    name: 'holdfast_scrub_last_pass_timestamp_seconds',
    help: 'When every file had been checked last; 0: not since the start',
    registers,
    collect: () => lastPass.set((lastPassAtMs() ?? 0) / 1000),
  });
  return (file, report) => {
    checked.inc();
    problems.inc(report.problems.reduce((sum, { count }) => sum + count, 0));
    logReport(log, file, report);
  };
}

function logReport(log: Logger, file: string, report: CheckedFile): void {
  const { state, bytes, records, problems, damagedRecords, error } = report;
  if (state === 'sound') {
    log.debug({ file, bytes, records }, 'checked a file: it is sound');
  } else if (state === 'unreadable') {
    log.warn({ file, error }, 'a file could not be checked to its end; tried again with the next pass');
  } else {
    const damaged = damagedRecords.slice(0, MAX_LOGGED).map(({ place, collection }) => ({ place, collection }));
    log.error({ file, problems, damaged, error }, 'a file is damaged');
  }
}
