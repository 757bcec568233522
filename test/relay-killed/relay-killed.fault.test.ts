import { seededRandom, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { expectConserved } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { type Network, startNetwork } from '../harness/network.ts';
import { relayTakesMore } from '../harness/progress.ts';

const KILLS = 20;
const LIMIT_MS = 120_000;

test(
  'a relay killed 20 times while a node sends to it has every acknowledged write',
  async () => {
    const random = seededRandom(testSeed());
    await using network = await startNetwork({ nodes: { workstation: ['ada', 'ben', 'cyd'] } });
    const ledger = new Ledger();
    using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 20 });
    for (let kill = 0; kill < KILLS; kill += 1) {
      await load.during(ledger.moreAcknowledged(random.integer(1, 100)));
      expect(await network.relay.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      await network.relay.start();
      await load.during(relayTakesMore(network));
    }
    await load.finish();
    const { unansweredWrites, acknowledgedWrites } = await expectConserved(network, ledger);
    expect(lossesNoticed(network)).toBeGreaterThanOrEqual(KILLS);
    expect(acknowledgedWrites).toBeGreaterThan(KILLS * 50);
    expect(unansweredWrites).toBe(0);
  },
  LIMIT_MS,
);

function lossesNoticed({ nodes }: Network): number {
  const entries = nodes.flatMap(({ service }) => service.log());
  return entries.filter(({ msg, to }) => msg === 'link' && to === 'waiting').length;
}
