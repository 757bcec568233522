import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { eventually, seededRandom, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { startNetwork } from '../harness/network.ts';
import { differences, readAgents, readRelay } from '../harness/stored.ts';

const LIMIT_MS = 240_000;
const STEP_LIMIT_MS = 90_000;

/** Flips bits all over a file that nobody has open. */
function spoil(path: string, bits: number, random: ReturnType<typeof seededRandom>): void {
  const file = openSync(path, 'r+');
  const { size } = statSync(path);
  for (let bit = 0; bit < bits; bit += 1) {
    const at = random.integer(4096, size - 1);
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << random.integer(0, 7));
    writeSync(file, byte, 0, 1, at);
  }
  closeSync(file);
}

test(
  'an agent whose file is full of flipped bits is restored by the command, and others work on meanwhile',
  async () => {
    const random = seededRandom(testSeed());
    await using network = await startNetwork({
      nodes: { workstation: ['ada', 'ben'] },
      nodeFlags: ['--sync-heartbeat-seconds', '1'],
    });
    const { service, admin } = network.node('workstation');
    const [ada, ben] = [network.agent('ada'), network.agent('ben')];
    const ledger = new Ledger();
    {
      using load = new Load({ agents: network.agents, ledger, seed: testSeed() });
      await load.during(ledger.moreAcknowledged(800));
      await load.finish();
    }
    await eventually(
      async () => {
        const { agents } = await admin.node.status();
        expect(agents.map(({ outbox }) => outbox.records)).toEqual([0, 0]);
      },
      { limitMs: STEP_LIMIT_MS },
    );
    await service.end('SIGTERM');
    spoil(join(service.directory, 'agents', 'ada.db'), 60, random);
    await service.start();

    // Read until the damage is met: a bit in a page nobody reads hurts nobody.
    await eventually(
      async () => {
        await readAgents([ada]).catch(() => undefined);
        expect((await admin.node.status()).agents[0]).toMatchObject({ agent: 'ada', state: 'damaged' });
      },
      { limitMs: STEP_LIMIT_MS },
    );
    const doctor = await runHoldfast(network.home, ['doctor', 'node', ...service.place]);
    expect(doctor.stdout).toContain('holdfast restore --agent ada --from relay');
    await ben.client.kv.put('works-on', 1, { ack: 'relay' });

    const report = await askHoldfast<{ lost_count: number }>(network.home, [
      'restore',
      '--agent',
      'ada',
      '--from',
      'relay',
      ...service.place,
    ]).catch((error: unknown) => {
      // What can be missing from a file that cannot be read whole, nobody knows: that is exit code 3.
      if (!String(error).includes('ended with 3')) throw error;
      return undefined;
    });
    expect(report?.lost_count ?? 0).toBe(0);
    await ada.client.kv.put('works-again', 1, { ack: 'relay', timeout: 30 });
    await eventually(
      async () => {
        const { agents } = await admin.node.status();
        expect(agents.map(({ state, digest }) => [state, digest])).toEqual([
          ['ok', 'equal'],
          ['ok', 'equal'],
        ]);
      },
      { limitMs: STEP_LIMIT_MS },
    );
    expect(differences(await readAgents([ada, ben]), await readRelay(network.desk))).toEqual([]);
    const told = service.log().map(({ msg }) => msg);
    expect(told).toContain('the file of an agent is damaged: it is set aside');
    expect(told).not.toContain('what was restored is sent to the relay once more');
  },
  LIMIT_MS,
);
