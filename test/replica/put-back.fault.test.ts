import { chmodSync, cpSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';
import { documentsIn, following, reads, SHARED_CANDIDATES, subscribed } from './following.ts';

const LIMIT_MS = 180_000;
const NODES = { laptop: ['sourcer'], workstation: ['screening'] };
const durable = { ack: 'relay', timeout: 30 } as const;

test(
  'a relay that was put back makes the subscription begin anew, readable all the time, and with the same content at its end',
  async () => {
    await using network = await startNetwork({ nodes: NODES, relayFlags: SHARED_CANDIDATES });
    const [sourcer, screening] = [network.agent('sourcer').client, network.agent('screening').client];
    const candidates = sourcer.collection('candidates');
    const { admin, service } = network.node('workstation');
    await candidates.put('kept', { experience_years: 1 }, durable);
    await candidates.put('goes', { experience_years: 1 }, durable);
    await subscribed(admin, 'people', { collections: ['candidates'] });
    await network.relay.end('SIGTERM');
    const copy = network.home.file('older-relay');
    cpSync(network.relay.directory, copy, { recursive: true });
    await network.relay.start();
    await candidates.put('kept', { experience_years: 2 }, durable);
    await candidates.delete('goes', durable);
    await reads(screening, 'candidates', { kept: { experience_years: 2 } });
    // What the relay lost comes back from the node that wrote it; the copies are as the relay has it at any time.
    await network.relay.end('SIGKILL');
    rmSync(network.relay.directory, { recursive: true });
    cpSync(copy, network.relay.directory, { recursive: true });
    rmSync(join(network.relay.directory, 'relay.epoch'));
    chmodSync(network.relay.directory, 0o700);
    expect(await documentsIn(screening, 'candidates')).toEqual({ kept: { experience_years: 2 } });
    await network.relay.start();
    await network.untilLink('workstation', 'open');
    const toldOf = (): boolean => service.log().some(({ msg }) => String(msg).includes('is read from the beginning'));
    await expect.poll(toldOf, { timeout: 60_000 }).toBe(true);
    await following(admin, 'people');
    await reads(screening, 'candidates', { kept: { experience_years: 2 } });
  },
  LIMIT_MS,
);

test(
  'a damaged file of copies keeps the daemon from nothing: it is read anew',
  async () => {
    await using network = await startNetwork({ nodes: NODES, relayFlags: SHARED_CANDIDATES });
    const { admin, service } = network.node('workstation');
    await network.agent('sourcer').client.collection('candidates').put('c-1', { experience_years: 1 }, durable);
    await subscribed(admin, 'people', { collections: ['candidates'] });
    await service.end('SIGKILL');
    const path = join(service.directory, 'replica.db');
    truncateSync(path, 0);
    writeFileSync(path, Buffer.alloc(8192, 0x5a));
    rmSync(`${path}-wal`, { force: true });
    await service.start();
    const told = service.log().filter(({ reason }) => reason === 'damaged');
    expect(told).toHaveLength(1);
    await reads(network.agent('screening').client, 'candidates', { 'c-1': { experience_years: 1 } });
    expect((await admin.subscriptions.list()).map(({ name, origin }) => [name, origin])).toEqual([['people', 'call']]);
  },
  LIMIT_MS,
);
