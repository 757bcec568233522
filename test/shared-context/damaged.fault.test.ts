import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastProblem } from '@holdfast/client';
import { expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;

test(
  'a damaged file of what nodes share takes nothing else with it',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    const { client } = network.agent('ada');
    await client.context.put('k', 1, { ack: 'relay', timeout: 30 });
    await client.collection('notes').put('n', { text: 'before' });
    const { service } = network.node('laptop');
    await service.end('SIGTERM');
    const path = join(service.directory, 'agents', 'shared.db');
    truncateSync(path, 0);
    writeFileSync(path, Buffer.alloc(8192, 0x5a));
    await service.start();
    await expect(client.context.get('k')).rejects.toBeInstanceOf(HoldfastProblem);
    expect(await client.collection('notes').get('n')).toMatchObject({ doc: { text: 'before' } });
    await client.collection('notes').put('m', { text: 'after' }, { ack: 'relay', timeout: 30 });
    const known = await client.collections.list();
    expect(known.find(({ name }) => name === 'notes')).toMatchObject({ kind: 'free-form', records: 2 });
    expect(known.find(({ name }) => name === 'context')).toMatchObject({ kind: 'built-in', records: null });
    expect(await client.collections.get('notes')).toMatchObject({ records: 2 });
    expect(await client.collections.get('context')).toMatchObject({ records: null });
    // Perhaps it was declared shared: that cannot be told now.
    await expect(client.collections.get('board')).rejects.toMatchObject({ code: 'file-damaged' });
    const { agents } = await network.node('laptop').admin.node.status();
    expect(agents).toMatchObject([
      { agent: 'ada', state: 'ok' },
      { agent: 'shared', state: 'damaged' },
    ]);
  },
  LIMIT_MS,
);
