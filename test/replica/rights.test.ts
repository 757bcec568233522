import { expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';
import { Service } from '../harness/service.ts';
import { documentsIn, following, reads, SHARED_CANDIDATES, subscribed } from './following.ts';

const LIMIT_MS = 120_000;
const NODES = { laptop: ['sourcer'], workstation: ['screening'] };
const durable = { ack: 'relay', timeout: 30 } as const;

test(
  'a node without the right gets nothing of others; once the relay gives it all comes, and once it takes it back all goes',
  async () => {
    await using network = await startNetwork({ nodes: NODES });
    const [sourcer, screening] = [network.agent('sourcer').client, network.agent('screening').client];
    const { admin } = network.node('workstation');
    await sourcer.collection('candidates').put('c-1', { name: 'Ada' }, durable);
    await screening.collection('candidates').put('own', { name: 'Ben' }, durable);
    await subscribed(admin, 'people', { collections: ['candidates'] });
    expect(await documentsIn(admin, 'candidates')).toEqual({ own: { name: 'Ben' } });
    const port = Number(new URL(network.relay.url).port);
    const { home } = network;
    await network.relay.end('SIGTERM');
    const flags = ['--listen-hosts', new URL(network.proxy.url).host, ...SHARED_CANDIDATES];
    {
      await using generous = new Service({ kind: 'relay', name: 'relay', home, port, flags });
      await generous.start();
      await reads(screening, 'candidates', { 'c-1': { name: 'Ada' }, own: { name: 'Ben' } });
      await following(admin, 'people');
      await generous.end('SIGTERM');
    }
    await network.relay.start();
    await reads(screening, 'candidates', { own: { name: 'Ben' } });
    await reads(admin, 'candidates', { own: { name: 'Ben' } });
  },
  LIMIT_MS,
);
