import { join } from 'node:path';

import { type Database, openDatabase } from '@holdfast/sqlite';
import { digestOf, digestShare, digestText } from '@holdfast/store';
import { expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;

/** Stops the relay and does something to its database. */
async function tamper(network: Network, change: (database: Database) => void): Promise<void> {
  await network.relay.end('SIGTERM');
  const database = openDatabase(join(network.relay.directory, 'relay.db'));
  change(database);
  database.close();
  await network.relay.start();
}

/** Makes the relay forget a record as if it had never come. */
function forget(database: Database, id: string): void {
  const hash = database.prepare('DELETE FROM records WHERE id = ? RETURNING hash').pluck().get(id) as string;
  const digest = database.prepare("SELECT digest FROM agents WHERE node <> ''").pluck().get() as string;
  const without = digestOf(digest) ^ digestShare({ hash, expiresAtMs: null });
  database.prepare("UPDATE agents SET digest = ? WHERE node <> ''").run(digestText(without));
}

async function documents({ desk }: Network): Promise<unknown> {
  const { records } = await desk.query({ collection: 'notes' });
  return Object.fromEntries(records.map(({ id, doc }) => [id, doc]));
}

async function digestState({ nodes }: Network): Promise<unknown> {
  const status = await nodes[0]?.admin.node.status();
  return status?.agents.map(({ digest, outbox }) => [digest, outbox.records]);
}

test(
  'records the relay lost without knowing it come back by themselves, and it is said',
  async () => {
    await using network = await startNetwork({ nodes: { workstation: ['ada'] } });
    const notes = network.agent('ada').client.collection('notes');
    const all: Record<string, unknown> = {};
    for (let n = 0; n < 50; n += 1) {
      all[`n${n}`] = { n };
      await notes.put(`n${n}`, { n }, { ack: 'relay', timeout: 30 });
    }
    await expect.poll(() => digestState(network), { timeout: 30_000 }).toEqual([['equal', 0]]);

    await tamper(network, (database) => {
      for (const id of ['n3', 'n30', 'n49']) forget(database, id);
    });
    await expect.poll(() => documents(network), { timeout: 60_000 }).toEqual(all);
    await expect.poll(() => digestState(network), { timeout: 60_000 }).toEqual([['equal', 0]]);
    const said = network.nodes[0]?.service.log().filter(({ msg }) => String(msg).includes('differed'));
    expect(said).toMatchObject([{ level: 40, agent: 'ada', settlement: { resent: 3 } }]);
  },
  LIMIT_MS,
);
