import { holdfast } from '../peers/holdfast.ts';
import type { Peer, PeerResult } from '../peers/peer.ts';
import { pouchDb } from '../peers/pouchdb.ts';
import { redis } from '../peers/redis.ts';
import type { Reading, Target } from '../reading.ts';
import { quantile } from '../rounds.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** A piece of work that every peer does. */
interface Work {
  readonly name: string;
  readonly perSecond: (result: PeerResult) => number;
  /** At least how many times Holdfast's rate is the peer's, by the peer's name; the others are reported only. */
  readonly targets: Readonly<Record<string, number>>;
}

const works: readonly Work[] = [
  { name: 'write.single', perSecond: (result) => result.singlePerSecond, targets: { PouchDB: 2 } },
  { name: 'write.bulk', perSecond: (result) => result.bulkPerSecond, targets: {} },
  { name: 'sync.drain', perSecond: (result) => result.drainPerSecond, targets: { PouchDB: 5 } },
];

/** The same work on stores that others would reach for. */
export const peerFigure: Figure = {
  name: 'peers',
  help: 'the same work on PouchDB and Redis, side by side; only with --peers',
  measure: measurePeers,
};

async function measurePeers(setting: Setting): Promise<Reading[]> {
  const ours = await holdfast.measure(setting);
  const readings: Reading[] = [];
  for (const peer of [pouchDb, redis]) {
    const theirs = await peer.measure(setting);
    readings.push(
      ...works.map((work) => rateReading(work, peer, ours, theirs)),
      ...visibleReadings(peer, ours, theirs),
    );
  }
  return readings;
}

function rateReading({ name, perSecond, targets }: Work, peer: Peer, ours: PeerResult, theirs: PeerResult): Reading {
  const least = targets[peer.name];
  const target: Target | null = least === undefined ? null : { kind: 'at-least', value: least };
  return {
    name: `${peer.name} ${name}`,
    value: perSecond(ours) / perSecond(theirs),
    unit: 'ratio',
    target,
    measured: rateText(perSecond(ours), 'records'),
    reference: `${peer.name} ${rateText(perSecond(theirs), 'records')}`,
    details: { holdfast_per_second: perSecond(ours), peer_per_second: perSecond(theirs) },
  };
}

/** Times are not rates: the value is how many times longer the peer takes. */
function visibleReadings(peer: Peer, ours: PeerResult, theirs: PeerResult): Reading[] {
  return [0.5, 0.99].map((share) => {
    const [oursMs, theirsMs] = [quantile(ours.visibleMs, share), quantile(theirs.visibleMs, share)];
    return {
      name: `${peer.name} sync.visible.p${share * 100}`,
      value: theirsMs / oursMs,
      unit: 'ratio',
      target: null,
      measured: `${oursMs.toFixed(1)} ms`,
      reference: `${peer.name} ${theirsMs.toFixed(1)} ms`,
      details: { holdfast_ms: oursMs, peer_ms: theirsMs },
    };
  });
}
