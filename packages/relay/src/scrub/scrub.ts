import { reportScrub } from '@holdfast/http';
import type { Now, RelayConfig } from '@holdfast/protocol';
import { type FileReport, Scrubber } from '@holdfast/store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { RelayStore } from '../storage/relay-store.ts';

const HOUR_MS = 3_600_000;
const MEBIBYTE = 1_048_576;

/** What checking a relay's database needs. */
export interface RelayScrubOptions {
  readonly config: RelayConfig;
  readonly databasePath: string;
  readonly store: Pick<RelayStore, 'distrust' | 'recountDigests' | 'deriveAnew'>;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: Now;
  /** From now to the first check; default: see `ScrubberOptions`. */
  readonly firstAfterMs: number | undefined;
}

/**
 * Checks the relay's database in the background, as often and as fast as configured. Damage is logged and counted; nodes send
 * anew what of their records is not as they sent it, and members and words that are not those of the records are made anew here.
 */
export function scrubRelay(options: RelayScrubOptions): Scrubber {
  const { config, databasePath, store, registry, log, now, firstAfterMs } = options;
  const report = reportScrub(log, registry, () => scrubber.lastPassAtMs);
  const scrubber: Scrubber = new Scrubber({
    targets: () => [{ name: 'relay.db', path: databasePath, kind: 'relay', isReady: () => true }],
    everyMs: config['scrub.hours'] * HOUR_MS,
    firstAfterMs,
    bytesPerSecond: config['scrub.megabytesPerSecond'] * MEBIBYTE,
    now,
    onReport: ({ name }, found) => {
      report(name, found);
      void makeGood(store, found, log);
    },
  });
  return scrubber;
}

async function makeGood(store: RelayScrubOptions['store'], found: FileReport, log: Logger): Promise<void> {
  try {
    if (found.problems.some(({ kind }) => kind === 'counter')) {
      log.info({ agents: await store.recountDigests() }, 'digests were counted anew');
    }
    if (found.derived.length > 0) {
      await store.deriveAnew(found.derived);
      log.info('members of lists and words were made anew from the records');
    }
    // As after counting anew, nodes find their records missing, and send them.
    if (found.damagedRecords.length === 0) return;
    const records = await store.distrust(found.damagedRecords.map(({ place }) => place));
    if (records > 0) log.info({ records }, 'damaged records are left out until their nodes have sent them again');
  } catch (error) {
    log.warn({ err: error }, 'what was found could not be noted; trying again after the next check');
  }
}
