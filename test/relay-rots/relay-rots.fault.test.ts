import { readFileSync } from 'node:fs';

import { connect, connectRelay, type Holdfast, type HoldfastRelay } from '@holdfast/client';
import { type RunningDaemon, startDaemon } from '@holdfast/daemon';
import { nodeOptions, relayOptions, resolveConfig } from '@holdfast/protocol';
import { initRelay, type RunningRelay, startRelay } from '@holdfast/relay';
import { openDatabase } from '@holdfast/sqlite';
import { checkFile } from '@holdfast/store';
import { eventually, type TemporaryDirectory, temporaryDirectory } from '@holdfast/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { stablePort } from '../harness/stable-port.ts';

const RECORDS = 300;
const LIMIT_MS = 60_000;

const common = { log: pino({ level: 'silent' }), version: '0.0.0-test' };
const given = (file: Readonly<Record<string, number>>) => ({ flags: {}, environment: {}, file });

/** A relay and a node of this process, joined, with one agent. */
class Pair implements AsyncDisposable {
  readonly relayPath: string;
  readonly #home: TemporaryDirectory;
  readonly #relayPort: number;
  #relay: RunningRelay | undefined;
  #daemon: RunningDaemon | undefined;

  constructor(home: TemporaryDirectory, relayPort: number) {
    this.relayPath = home.file('relay/relay.db');
    this.#home = home;
    this.#relayPort = relayPort;
    initRelay(home.file('relay'));
  }

  get desk(): HoldfastRelay {
    return connectRelay({ url: this.#relay?.url, token: this.#adminToken('relay') });
  }

  /** Starts both; resolves with the agent's token and the node's address. */
  async start(): Promise<{ readonly url: string; readonly token: string }> {
    await this.startRelay(LIMIT_MS * 60);
    const file = { 'listen.port': await stablePort(), 'sync.heartbeatSeconds': 1 };
    const config = resolveConfig('node', nodeOptions, given(file)).values;
    this.#daemon = await startDaemon({ ...common, config, directory: this.#home.file('node') });
    const { url } = this.#daemon;
    await using desk = this.desk;
    await using admin = connect({ url, token: this.#adminToken('node') });
    const { token } = await desk.invite({ node: 'workstation' });
    await admin.node.join({ relay: this.#relay?.url ?? '', token, name: 'workstation' });
    return { url, token: (await admin.agents.create('ada')).token };
  }

  async startRelay(scrubAfterMs: number): Promise<void> {
    const config = resolveConfig('relay', relayOptions, given({ 'listen.port': this.#relayPort })).values;
    this.#relay = await startRelay({ ...common, config, directory: this.#home.file('relay'), scrubAfterMs });
  }

  async stopRelay(): Promise<void> {
    await this.#relay?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.stop();
    await this.#relay?.stop();
    await this.#home[Symbol.asyncDispose]();
  }

  #adminToken(side: 'relay' | 'node'): string {
    return readFileSync(this.#home.file(`${side}/admin.token`), 'utf8').trim();
  }
}

async function untilEqual(ada: Holdfast): Promise<void> {
  const check = async (): Promise<void> =>
    expect(await ada.status()).toMatchObject({ digest: 'equal', outbox: { records: 0 } });
  await eventually(check, { limitMs: LIMIT_MS });
}

test(
  'records that rot on the relay’s disk are found by its check and sent anew by their node, without any new write',
  async () => {
    await using pair = new Pair(await temporaryDirectory(), await stablePort());
    await using ada = connect(await pair.start());
    const notes = ada.collection('notes');
    await Promise.all(Array.from({ length: RECORDS }, (_, at) => notes.put(`n-${at}`, { at })));
    await untilEqual(ada);

    await pair.stopRelay();
    const database = openDatabase(pair.relayPath);
    const count = database.prepare(`UPDATE records SET doc = '{"at":-1}' WHERE position % 10 = 3`).run().changes;
    database.close();
    expect(count).toBe(RECORDS / 10);
    const problems = [{ kind: 'hash', count }];
    expect(await checkFile(pair.relayPath, 'relay')).toMatchObject({ state: 'damaged', problems });
    await pair.startRelay(0);

    await using desk = pair.desk;
    const check = async (): Promise<void> => {
      const { records } = await desk.query<{ at: number }>({ limit: 1000 });
      const numbers = records.map(({ doc }) => doc.at).toSorted((one, other) => one - other);
      expect(numbers).toEqual(Array.from({ length: RECORDS }, (_, at) => at));
    };
    await eventually(check, { limitMs: LIMIT_MS });
    await untilEqual(ada);
    await pair.stopRelay();
    expect(await checkFile(pair.relayPath, 'relay')).toMatchObject({ state: 'sound', records: RECORDS });
  },
  LIMIT_MS * 2,
);
