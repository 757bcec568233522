import { type Fault, type FaultKind, seededRandom, testSeed } from '@holdfast/testkit';
import { expect, test, vi } from 'vitest';

import { expectConserved, expectDrained } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { type Network, startNetwork } from '../harness/network.ts';
import { relayTakesMore } from '../harness/progress.ts';

const ROUNDS = 2;
const LIMIT_MS = 120_000;
const RECOVERY_LIMIT_MS = 60_000;

/** How often each fault happens in one round; what only slows things down happens more often. */
const TIMES: Readonly<Record<FaultKind, number>> = {
  'drop-answer': 2,
  'truncate-answer': 2,
  'cut-request': 2,
  refuse: 2,
  stall: 2,
  delay: 20,
};

test(
  'answers lost, cut and late, requests cut and swallowed: everything arrives and nothing twice',
  async () => {
    const random = seededRandom(testSeed());
    await using network = await startNetwork({
      nodes: { workstation: ['ada', 'ben'] },
      nodeFlags: ['--sync-timeout-seconds', '1'],
    });
    const { proxy } = network;
    const ledger = new Ledger();
    using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 20 });
    for (let round = 0; round < ROUNDS; round += 1) {
      const faults: readonly Fault[] = [
        { kind: 'drop-answer' },
        { kind: 'truncate-answer', afterBytes: random.integer(1, 400) },
        { kind: 'cut-request', afterBytes: random.integer(1, 4000) },
        { kind: 'delay', ms: random.integer(1, 100) },
        { kind: 'refuse' },
        { kind: 'stall' },
      ];
      for (const fault of faults) {
        const before = proxy.fired[fault.kind];
        proxy.set(fault, TIMES[fault.kind]);
        await load.during(fired(network, fault.kind, before + TIMES[fault.kind]));
        proxy.heal();
        await load.during(relayTakesMore(network));
      }
    }
    await load.finish();
    const { acknowledgedWrites, unansweredWrites } = await expectConserved(network, ledger);
    expect(Object.entries(proxy.fired).filter(([, count]) => count < ROUNDS)).toEqual([]);
    expect(acknowledgedWrites).toBeGreaterThan(200);
    expect(unansweredWrites).toBe(0);
  },
  LIMIT_MS,
);

test(
  'a write whose relay answer is lost after the commit is there once, and its caller is told the truth',
  async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'] } });
    const { proxy, desk } = network;
    const notes = network.agent('ada').client.collection('notes');
    await notes.put('one', { n: 1 });
    // Nothing is under way any more: the answer that is dropped is one to the second write.
    await expectDrained(network);
    proxy.set({ kind: 'drop-answer' }, 1);
    const answered = notes.put('two', { n: 2 }, { ack: 'relay', timeout: 30 });
    answered.catch(() => undefined);
    await fired(network, 'drop-answer', 1);
    const { records } = await desk.query({ collection: 'notes' });
    expect(records.map(({ id, doc }) => [id, doc])).toEqual([
      ['one', { n: 1 }],
      ['two', { n: 2 }],
    ]);
    // The relay has it, but whether it rejected it was in the answer that was lost: no more than `local` is sure.
    expect(await answered).toMatchObject({ ack: 'local' });
    const { version } = await notes.put('two', { n: 3 }, { ack: 'relay', timeout: 30 });
    const again = await desk.query({ where: { id: 'two' } });
    expect(again.records).toMatchObject([{ id: 'two', version, doc: { n: 3 } }]);
    const [node] = await desk.nodes();
    expect(node).toMatchObject({ node: 'workstation', dead_letters: 0, agents: [{ agent: 'ada', records: 2 }] });
  },
  LIMIT_MS,
);

async function fired({ proxy }: Network, kind: FaultKind, times: number): Promise<void> {
  await vi.waitFor(() => expect(proxy.fired[kind]).toBeGreaterThanOrEqual(times), {
    timeout: RECOVERY_LIMIT_MS,
    interval: 10,
  });
}
