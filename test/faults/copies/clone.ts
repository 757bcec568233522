import assert from 'node:assert/strict';

import { connect, type Holdfast } from '@holdfast/client';
import { eventually, seededRandom, type SeededRandom } from '@holdfast/testkit';

import { waitingRecords } from '../../harness/conservation.ts';
import { type Agent, type Network, startNetwork } from '../../harness/network.ts';
import { Service } from '../../harness/service.ts';
import { stablePort } from '../../harness/stable-port.ts';
import { differences, readAgents, readRelay } from '../../harness/stored.ts';
import { type FaultCase, type FaultPlan, Tally } from '../fault-case.ts';
import { BulkLoad } from '../load/bulk-load.ts';
import { putInPlace } from './put-in-place.ts';

const AGENTS = ['ada', 'ben'];
const SOON_MS = 60_000;

/** A copy of a node's directory started beside the node, both alive; then the one kept out is made a node of its own. */
export const clone: FaultCase = {
  name: 'clone',
  promise: 'of two copies of a node one syncs and the other says what it is; nothing either was told is lost',
  full: 50,
  slice: 1,
  needs: [],
  run: async (plan) => {
    const tally = new Tally();
    const random = seededRandom(plan.seed);
    for (let number = 1; number <= plan.cases; number += 1) {
      tally.violate(`clone ${number}`, await cloneOnce(plan, { number, random, tally }));
      tally.fire('clones');
      plan.progress(`${number} clones, ${tally.violations} violations`);
    }
    return tally.findings();
  },
};

interface Trial {
  readonly number: number;
  readonly random: SeededRandom;
  readonly tally: Tally;
}

/** One of the two copies. */
interface Copy {
  readonly name: 'original' | 'copy';
  readonly admin: Holdfast;
  readonly agents: readonly Agent[];
  readonly load: BulkLoad;
}

async function cloneOnce({ seed }: FaultPlan, { number, random, tally }: Trial): Promise<readonly string[]> {
  await using network = await startNetwork({ nodes: { n: AGENTS } });
  const { service, admin } = network.node('n');
  const load = new BulkLoad({ agents: network.agents, seed: seed + number, lines: 20, records: 60 });
  await writeSome(load, random);
  await service.end(random.pick(['SIGKILL', 'SIGTERM']));
  const place = { kind: 'node', name: 'copy', home: network.home, port: await stablePort() } as const;
  await using copied = new Service(place);
  await putInPlace(service.directory, copied.directory);
  const isCopyFirst = random.next() < 0.5;
  await (isCopyFirst ? copied : service).start();
  if (!isCopyFirst && random.next() < 0.7) await writeSome(load, random);
  await (isCopyFirst ? service : copied).start();
  await using copiedAdmin = connect({ url: copied.url, token: copied.adminToken });
  const copiedAgents = await agentsOf(copied, copiedAdmin);
  const copiedLoad = new BulkLoad({
    agents: copiedAgents,
    seed: seed - number,
    lines: 20,
    records: 60,
    prefix: 'copy-',
  });
  const copies: readonly Copy[] = [
    { name: 'original', admin, agents: network.agents, load },
    { name: 'copy', admin: copiedAdmin, agents: copiedAgents, load: copiedLoad },
  ];
  await Promise.all(copies.map((one) => writeSome(one.load, random)));
  const problems = await settle(network, copies, tally);
  for (const { client } of copiedAgents) await client.close();
  return problems;
}

/** Waits until one copy syncs and the other says what it is, makes that one a node of its own, and compares everything. */
async function settle(network: Network, copies: readonly Copy[], tally: Tally): Promise<readonly string[]> {
  const kept = await eventually(() => keptOut(copies), { limitMs: SOON_MS });
  const inside = copies.find((one) => one !== kept);
  assert(inside);
  tally.count(`the ${kept.name} was kept out`);
  await drained(inside);
  const problems = [...(await wrongAt(network, inside, 'n')), ...(await kept.load.checkOwn())];
  const { token } = await network.desk.invite({ node: 'second' });
  await kept.admin.node.reidentify({ token, name: 'second' });
  await drained(kept);
  return [...problems, ...(await wrongAt(network, kept, 'second'))];
}

async function keptOut(copies: readonly Copy[]): Promise<Copy> {
  const states = await Promise.all(copies.map(async ({ admin }) => (await admin.node.status()).relay.state));
  assert.deepEqual(new Set(states), new Set(['open', 'cloned']));
  const kept = copies[states.indexOf('cloned')];
  assert(kept);
  return kept;
}

async function drained({ admin }: Copy): Promise<void> {
  await eventually(
    async () => {
      assert.equal((await admin.node.status()).relay.state, 'open');
      assert.equal(await waitingRecords({ admin }), 0);
    },
    { limitMs: SOON_MS },
  );
}

/** What a copy was told it has, and what it has the relay has, under the name it goes by. */
async function wrongAt({ desk }: Network, { load, agents }: Copy, node: string): Promise<readonly string[]> {
  const here = await readAgents(agents.map((agent) => ({ ...agent, node })));
  return [...(await load.checkOwn()), ...differences(here, await readRelay(desk, [node]))];
}

async function agentsOf(service: Service, admin: Holdfast): Promise<readonly Agent[]> {
  return Promise.all(
    AGENTS.map(async (agent): Promise<Agent> => {
      const { token } = await admin.agents.token(agent);
      const client = connect({ url: service.url, token, retries: 0 });
      return { node: 'n', agent, resource: '', client, whenUp: () => service.whenUp() };
    }),
  );
}

async function writeSome(load: BulkLoad, random: SeededRandom): Promise<void> {
  load.begin();
  await load.more(random.integer(40, 300));
  await load.stop();
}
