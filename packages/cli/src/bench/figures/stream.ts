import { CommandError } from '../../command-error.ts';
import { startFilledRelay } from '../filled-relay.ts';
import { stopService } from '../pair.ts';
import { residentMegabytes } from '../processor.ts';
import type { Reading } from '../reading.ts';
import { collectionOf } from '../sample-rows.ts';
import type { IteratePlan, StreamPlan, StreamResult } from '../stream-plan.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

const COLLECTION = collectionOf('load');
const LOOK_MS = 50;

/** All records of a large relay as NDJSON: what it costs the relay's memory, and how fast it is. */
export const streamFigure: Figure = {
  name: 'stream',
  help: 'memory that 1,000,000 records as NDJSON cost the relay; rows/s beside a plain better-sqlite3 iterate',
  measure: measureStream,
};

const SQL = `SELECT a.node, a.agent, r.resource, r.collection, r.id, r.version, r.created_at, r.updated_at, r.expires_at, r.doc
  FROM records AS r JOIN agents AS a ON a.id = r.agent_id
  WHERE r.collection = '${COLLECTION}' AND r.deleted = 0 ORDER BY r.id, r.agent_id`;

async function measureStream({ surroundings, scale }: Setting): Promise<Reading[]> {
  const records = scale.networkRecords;
  const { relay, path } = await startFilledRelay(surroundings, 'stream', { records, kind: 'load' });
  try {
    const byHand = await surroundings.run<StreamResult>('plain-iterate', { path, sql: SQL } satisfies IteratePlan);
    // Loads the code and starts a process for queries; what a first answer needs is not the stream's.
    await relay.client.query({ collection: COLLECTION, limit: 1000 });
    const plan: StreamPlan = { url: relay.url, token: relay.adminToken, collection: COLLECTION };
    const memory = watchMemory(relay.pid);
    const result = await surroundings.run<StreamResult>('stream-reader', plan).finally(memory.stop);
    for (const { rows } of [result, byHand])
      if (rows !== records) throw new CommandError(`${rows} of ${records} records came`, 'Nothing was measured.');
    return [readingOf(result, byHand, memory)];
  } finally {
    await stopService(relay);
  }
}

interface WatchedMemory {
  readonly beforeMb: number;
  readonly peakMb: () => number;
  readonly stop: () => void;
}

/** Looks again and again at how much memory a process has. */
function watchMemory(pid: number): WatchedMemory {
  const beforeMb = residentMegabytes(pid).now;
  let peakMb = beforeMb;
  const timer = setInterval(() => (peakMb = Math.max(peakMb, residentMegabytes(pid).now)), LOOK_MS);
  return { beforeMb, peakMb: () => peakMb, stop: () => clearInterval(timer) };
}

function readingOf(result: StreamResult, byHand: StreamResult, { beforeMb, peakMb }: WatchedMemory): Reading {
  const [perSecond, byHandPerSecond] = [result.rows / result.seconds, byHand.rows / byHand.seconds];
  return {
    name: `${streamFigure.name}.memory`,
    value: peakMb() - beforeMb,
    unit: 'MB',
    target: { kind: 'at-most', value: 64 },
    measured: rateText(perSecond, 'rows'),
    reference: `iterate ${rateText(byHandPerSecond, 'rows')}`,
    details: { ...result, before_mb: beforeMb, peak_mb: peakMb(), ratio: perSecond / byHandPerSecond },
  };
}
