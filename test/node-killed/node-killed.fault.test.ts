import { seededRandom, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { expectConserved } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { startNetwork } from '../harness/network.ts';

const KILLS = 50;
const LIMIT_MS = 180_000;

test(
  'a node killed 50 times in mid-write has every acknowledged write, and so has the relay',
  async () => {
    const random = seededRandom(testSeed());
    await using network = await startNetwork({ nodes: { workstation: ['ada', 'ben', 'cyd'] }, resource: 'app:user_1' });
    const { service } = network.node('workstation');
    const ledger = new Ledger();
    using load = new Load({ agents: network.agents, ledger, seed: testSeed() });
    const bootsKilledInMidWrite = new Set<number>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await load.during(ledger.moreAcknowledged(random.integer(1, 150)));
      const unanswered = ledger.unansweredWrites;
      expect(await service.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      await service.start();
      await load.during(ledger.moreAcknowledged(1));
      if (ledger.unansweredWrites > unanswered) bootsKilledInMidWrite.add(kill);
    }
    await load.finish();
    const { records, acknowledgedWrites } = await expectConserved(network, ledger);
    expect(bootsKilledInMidWrite.size).toBeGreaterThan(KILLS / 2);
    expect(acknowledgedWrites).toBeGreaterThan(KILLS * 20);
    expect(records).toBeGreaterThan(KILLS);
  },
  LIMIT_MS,
);
