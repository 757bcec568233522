import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { expectConserved } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { startNetwork } from '../harness/network.ts';
import type { Service } from '../harness/service.ts';

const STOPS = 3;
const LIMIT_MS = 120_000;

describe('SIGTERM in mid-load', () => {
  test(
    'ends a node with 0, every answered write is there, and it starts again cleanly',
    async () => {
      await using network = await startNetwork({ nodes: { workstation: ['ada', 'ben', 'cyd'] } });
      const { service } = network.node('workstation');
      const ledger = new Ledger();
      using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 10 });
      for (let stop = 0; stop < STOPS; stop += 1) {
        await load.during(ledger.moreAcknowledged(200));
        await expectCleanStop(service, 'node.sock');
        await service.start();
      }
      await load.during(ledger.moreAcknowledged(50));
      await load.finish();
      const { acknowledgedWrites } = await expectConserved(network, ledger);
      expect(acknowledgedWrites).toBeGreaterThan(STOPS * 200);
    },
    LIMIT_MS,
  );

  test(
    'ends a relay with 0, and it starts again with all it took',
    async () => {
      await using network = await startNetwork({ nodes: { workstation: ['ada'], laptop: ['ada'] } });
      const ledger = new Ledger();
      using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 20 });
      for (let stop = 0; stop < STOPS; stop += 1) {
        await load.during(ledger.moreAcknowledged(200));
        await expectCleanStop(network.relay);
        await network.relay.start();
      }
      await load.finish();
      const { unansweredWrites } = await expectConserved(network, ledger);
      expect(unansweredWrites).toBe(0);
    },
    LIMIT_MS,
  );
});

async function expectCleanStop(service: Service, ...alsoGone: readonly string[]): Promise<void> {
  expect(await service.end('SIGTERM')).toEqual({ code: 0, signal: null });
  const left = ['service.json', ...alsoGone].filter((name) => existsSync(join(service.directory, name)));
  expect(left).toEqual([]);
}
