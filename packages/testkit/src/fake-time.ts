import { globSync } from 'node:fs';

/** Where libfaketime stands, as distributions and its own makefile place it; undefined if it is not installed. */
export function fakeTimeLibrary(): string | undefined {
  const [found] = globSync(['/usr/lib/*/faketime/libfaketime.so.1', '/usr/{local/,}lib/faketime/libfaketime.so.1']);
  return found;
}

/**
 * Program and arguments to put before a command, so that its calendar is so many days off. The clock that measures spans
 * stays right, as it does on a machine whose date is set. Throws without libfaketime.
 */
export function underClock(daysOff: number): readonly string[] {
  const library = fakeTimeLibrary();
  if (library === undefined) throw new Error('libfaketime is not installed');
  const offset = `FAKETIME=${daysOff < 0 ? '' : '+'}${daysOff}d`;
  return ['env', `LD_PRELOAD=${library}`, offset, 'DONT_FAKE_MONOTONIC=1'];
}
