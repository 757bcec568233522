import { testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { expectConserved, waitingRecords } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { type Network, startNetwork } from '../harness/network.ts';

const WRITES_WHILE_AWAY = 2000;
const LIMIT_MS = 120_000;

test(
  'a relay that is away keeps nobody from writing, and when it is back it gets everything without any new write',
  async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada', 'ben'], laptop: ['ada', 'cyd'] } });
    const ledger = new Ledger();
    using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 20 });
    await load.during(ledger.moreAcknowledged(200));
    expect(await network.relay.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });

    await load.during(ledger.moreAcknowledged(WRITES_WHILE_AWAY));
    await load.finish();
    expect(ledger.unansweredWrites).toBe(0);
    expect(await waitingEverywhere(network)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(Math.min(...(await waitingEverywhere(network)))).toBeGreaterThan(100);

    await network.relay.start();
    const { records } = await expectConserved(network, ledger);
    expect(records).toBeGreaterThan(200);
  },
  LIMIT_MS,
);

test(
  'a caller that wishes to wait for a relay that is away is told that the write is safe here, and it arrives later',
  async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'] } });
    const { client } = network.agent('ada');
    const notes = client.collection('notes');
    expect(await notes.put('before', { n: 1 }, { ack: 'relay' })).toMatchObject({ ack: 'relay' });
    await network.relay.end('SIGKILL');
    expect(await notes.put('during', { n: 2 }, { ack: 'relay', timeout: 1 })).toMatchObject({ ack: 'local' });
    await network.relay.start();
    await expect.poll(() => idsOnRelay(network), { timeout: 30_000 }).toEqual(['before', 'during']);
    expect(await notes.put('after', { n: 3 }, { ack: 'relay', timeout: 30 })).toMatchObject({ ack: 'relay' });
    expect(await idsOnRelay(network)).toEqual(['after', 'before', 'during']);
  },
  LIMIT_MS,
);

function waitingEverywhere({ nodes }: Network): Promise<number[]> {
  return Promise.all(nodes.map((node) => waitingRecords(node)));
}

async function idsOnRelay({ desk }: Network): Promise<readonly string[]> {
  const { records } = await desk.query({ collection: 'notes' });
  return records.map(({ id }) => id).toSorted();
}
