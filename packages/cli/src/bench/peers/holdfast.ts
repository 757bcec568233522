import { writeBulk } from '../bulk-write.ts';
import { drainBacklog } from '../figures/sync-drain.ts';
import { timeToRelay } from '../figures/sync-visible.ts';
import { measureRequests } from '../request-rate.ts';
import { startNode } from '../services.ts';
import type { Peer } from './peer.ts';

/** Holdfast itself: daemon and relay. Every write is on the disk when it is answered. */
export const holdfast: Peer = {
  name: 'Holdfast',
  measure: async (setting) => {
    const { surroundings, scale } = setting;
    const node = await startNode(surroundings, { name: 'peer' });
    const { token: single } = await node.client.agents.create('single');
    const load = { kind: 'put', path: '/v1/records/load/', prefix: '', records: 0 } as const;
    const { perSecond } = await measureRequests(setting, { url: node.url, pid: node.pid, tokens: [single] }, load);
    const { token } = await node.client.agents.create('bulk');
    const bulk = await writeBulk(surroundings, { url: node.url, token, rows: scale.bulkRows });
    await node.client.close();
    await node.stop();
    const drain = await drainBacklog(setting, scale.peerBacklogRecords);
    return {
      singlePerSecond: perSecond,
      bulkPerSecond: bulk.rows / bulk.seconds,
      drainPerSecond: drain.perSecond,
      visibleMs: await timeToRelay(setting),
    };
  },
};
