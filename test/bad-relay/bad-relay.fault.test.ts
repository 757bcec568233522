import { testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { expectConserved, waitingRecords } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { startNetwork } from '../harness/network.ts';
import { Service } from '../harness/service.ts';

const LIMIT_MS = 120_000;

// That a paused link tries again by itself, a minute later, is shown with a clock in hand in the daemon's own tests.
test(
  'another relay at the old address gets nothing; the node pauses, says so, works on, and the right relay gets all',
  async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada', 'ben'] } });
    const { home, relay } = network;
    const node = network.node('workstation');
    const ledger = new Ledger();
    using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 20 });
    await load.during(ledger.moreAcknowledged(50));
    await relay.end('SIGKILL');

    const port = Number(new URL(relay.url).port);
    const hosts = ['--listen-hosts', new URL(network.proxy.url).host];
    await using stranger = new Service({ kind: 'relay', name: 'stranger', home, port, flags: hosts });
    await askHoldfast(home, ['init', 'relay', ...stranger.place]);
    await stranger.start();
    await load.during(network.untilLink('workstation', 'paused'));
    await load.during(ledger.moreAcknowledged(50));
    expect(await node.admin.node.status()).toMatchObject({ relay: { error: expect.stringContaining('401') } });
    const shown = await runHoldfast(home, ['status', ...node.service.place]);
    expect(shown.stdout).toMatch(/paused.*\n.*401: unauthenticated/);
    expect(alarms(node.service)).toBeGreaterThan(0);

    const { client } = network.agent('ada');
    const late = client.collection('late').put('one', {}, { ack: 'relay', timeout: 20 });
    expect(await load.during(late)).toMatchObject({ ack: 'local' });
    await client.collection('late').delete('one');

    await node.service.end('SIGKILL');
    await node.service.start();
    await load.during(network.untilLink('workstation', 'paused'));
    await load.finish();
    expect(await waitingRecords(node)).toBeGreaterThan(50);
    const empty = await askHoldfast<{ relay: { nodes: readonly object[] } }>(home, ['status', ...stranger.place]);
    expect(empty.relay.nodes).toEqual([]);

    expect(await stranger.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await relay.start();
    await node.service.end('SIGTERM');
    await node.service.start();
    await expectConserved(network, ledger);
  },
  LIMIT_MS,
);

/** Log entries that call for somebody. */
function alarms(service: Service): number {
  return service.log().filter(({ level }) => Number(level) >= 50).length;
}
