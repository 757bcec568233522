import { connect } from '@holdfast/client';
import { eventually, seededRandom, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { expectDrained } from '../harness/conservation.ts';
import { Ledger } from '../harness/ledger.ts';
import { Load } from '../harness/load.ts';
import { type Agent, type Network, startServices } from '../harness/network.ts';
import { differences, readAgents, readRelay } from '../harness/stored.ts';

const LIMIT_MS = 300_000;
const STEP_LIMIT_MS = 120_000;
const AGENTS = ['ada', 'ben'];

/**
 * A network whose node `old` wrote, sent everything and was killed for good. `spare` is enrolled nowhere. Gives a token to
 * take the place of `old` with.
 */
async function loseMachine(network: Network): Promise<string> {
  const old = network.node('old');
  await network.join('old');
  for (const agent of AGENTS) await network.addAgent('old', agent);
  const ledger = new Ledger();
  using load = new Load({ agents: network.agents, ledger, seed: testSeed() });
  await load.during(ledger.moreAcknowledged(600));
  await load.finish();
  await expectDrained({ nodes: [old], desk: network.desk });
  await old.service.end('SIGKILL');
  const invited = ['invite', 'old', '--replaces', '--data-dir', network.relay.directory];
  return (await askHoldfast<{ token: string }>(network.home, invited)).token;
}

/** The agents as they are on the new machine, each under a new token. */
async function newAgents(network: Network): Promise<Agent[]> {
  const { admin, service } = network.node('spare');
  return Promise.all(
    AGENTS.map(async (agent) => {
      const { token } = await admin.agents.token(agent);
      const client = connect({ url: service.url, token, retries: 0 });
      return { node: 'old', agent, resource: '', client, whenUp: () => service.whenUp() };
    }),
  );
}

async function expectTakenOver(network: Network): Promise<void> {
  const { admin } = network.node('spare');
  await eventually(
    async () => {
      const { node, agents } = await admin.node.status();
      const states = agents.map(({ agent, state, digest }) => `${agent} ${state} ${digest}`);
      expect({ node, states }).toEqual({ node: 'old', states: AGENTS.map((agent) => `${agent} ok equal`) });
    },
    { limitMs: STEP_LIMIT_MS },
  );
  const agents = await newAgents(network);
  const here = await readAgents(agents);
  expect(differences(here, await readRelay(network.desk))).toEqual([]);
  expect(here.size).toBeGreaterThan(100);
  await agents[0]?.client.kv.put('from-the-new-machine', 1, { ack: 'relay', timeout: 30 });
  expect(differences(await readAgents(agents), await readRelay(network.desk))).toEqual([]);
  for (const { client } of agents) await client.close();
}

test(
  'a new machine takes over the agents of a dead one, byte for byte; the old one is told when it comes back',
  async () => {
    await using network = await startServices({ nodes: { old: [], spare: [] } });
    const token = await loseMachine(network);
    const spare = network.node('spare').service;
    const adopted = await runHoldfast(
      network.home,
      ['adopt', '-', '--relay', network.proxy.url, '--name', 'old', '--data-dir', spare.directory],
      token,
    );
    expect(adopted).toMatchObject({ exitCode: 0 });
    expect(adopted.stdout).toContain('This node is old now');
    expect(adopted.stderr).toContain('holdfast agent token ada');
    await expectTakenOver(network);

    const old = network.node('old');
    await old.service.start();
    await network.untilLink('old', 'paused');
    expect((await old.admin.node.status()).relay.error).toContain('holdfast node reidentify');
    expect(old.service.log().some(({ reason }) => String(reason).includes('took the place of this node'))).toBe(true);
    const doctor = await runHoldfast(network.home, ['doctor', 'node', '--data-dir', old.service.directory]);
    expect(doctor.stdout).toContain('holdfast node reidentify');
    await network.agent('ada').client.kv.put('still-here', 1);
    expect((await network.desk.nodes()).map(({ node }) => node)).toEqual(['old']);
  },
  LIMIT_MS,
);

test(
  'a new machine that was enrolled with the token to replace a dead one takes it over with another such token',
  async () => {
    await using network = await startServices({ nodes: { old: [], spare: [] } });
    const token = await loseMachine(network);
    const { admin } = network.node('spare');
    const target = { relay: network.proxy.url, name: 'old' };
    await admin.node.join({ ...target, token });
    expect((await admin.node.status()).agents).toEqual([]);
    const another = await network.desk.invite({ node: 'old', replaces: true });
    await expect(admin.node.adopt({ ...target, token: another.token, name: 'other' })).rejects.toMatchObject({
      code: 'already-enrolled',
    });
    expect(await admin.node.adopt({ ...target, token: another.token })).toMatchObject({ agents: AGENTS });
    await expectTakenOver(network);
  },
  LIMIT_MS,
);

test(
  'a machine killed again and again while it takes over has everything in the end',
  async () => {
    const random = seededRandom(testSeed());
    await using network = await startServices({ nodes: { old: [], spare: [] } });
    const token = await loseMachine(network);
    const { admin, service } = network.node('spare');
    const adopting = admin.node.adopt({ relay: network.proxy.url, token, name: 'old' }).catch(() => undefined);
    await eventually(async () => expect((await admin.node.status()).node).toBe('old'), { limitMs: STEP_LIMIT_MS });
    // Without the relay it certainly is not done yet; with it, it may be anywhere.
    await network.relay.end('SIGKILL');
    let interrupted = 0;
    for (let kill = 0; kill < 6; kill += 1) {
      if (kill === 2) await network.relay.start();
      const untilMs = performance.now() + random.integer(0, 150);
      const { agents } = await eventually(
        async () => {
          const status = await admin.node.status();
          expect(performance.now()).toBeGreaterThan(untilMs);
          return status;
        },
        { limitMs: STEP_LIMIT_MS, everyMs: 5 },
      );
      if (agents.filter(({ state }) => state === 'ok').length < AGENTS.length) interrupted += 1;
      await service.end('SIGKILL');
      await service.start();
    }
    expect(interrupted).toBeGreaterThan(1);
    await adopting;
    await expectTakenOver(network);
  },
  LIMIT_MS,
);

test(
  'a node that has agents of its own, or is enrolled, takes nobody over',
  async () => {
    await using network = await startServices({ nodes: { spare: [] } });
    await network.addAgent('spare', 'ada');
    const { admin } = network.node('spare');
    const { token } = await network.desk.invite({ node: 'spare' });
    const target = { relay: network.proxy.url, token, name: 'spare' };
    await expect(admin.node.adopt(target)).rejects.toMatchObject({ code: 'agent-exists' });
    expect((await admin.node.status()).node).toBeNull();
    await admin.node.join(target);
    await expect(admin.node.adopt(target)).rejects.toMatchObject({ code: 'agent-exists' });
  },
  LIMIT_MS,
);
