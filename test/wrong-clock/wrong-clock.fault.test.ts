import { readFileSync } from 'node:fs';

import { connect, connectRelay, type Holdfast, type HoldfastRelay } from '@holdfast/client';
import { type RunningDaemon, startDaemon } from '@holdfast/daemon';
import { nodeOptions, relayOptions, resolveConfig } from '@holdfast/protocol';
import { initRelay, type RunningRelay, startRelay } from '@holdfast/relay';
import { seededRandom, type TemporaryDirectory, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { stablePort } from '../harness/stable-port.ts';

const YEAR_MS = 365.25 * 86_400_000;
const LEAPS = 24;
const WAIT_SECONDS = 30;
const LIMIT_MS = 120_000;

type Side = 'node' | 'relay';

/** A node and a relay in this process, each under a clock of its own that can be set to any time. */
class Clocks implements AsyncDisposable {
  readonly offsetMs: Record<Side, number> = { node: 0, relay: 0 };
  readonly #home: TemporaryDirectory;
  readonly #ports: Readonly<Record<Side, number>>;
  #daemon: RunningDaemon | undefined;
  #relay: RunningRelay | undefined;

  private constructor(home: TemporaryDirectory, ports: Readonly<Record<Side, number>>) {
    this.#home = home;
    this.#ports = ports;
  }

  static async start(): Promise<Clocks> {
    const ports = { node: await stablePort(), relay: await stablePort() };
    const clocks = new Clocks(await temporaryDirectory(), ports);
    initRelay(clocks.#home.file('relay'));
    await clocks.#start('relay');
    await clocks.#start('node');
    return clocks;
  }

  url(side: Side): string {
    return `http://127.0.0.1:${this.#ports[side]}`;
  }

  adminToken(side: Side): string {
    return readFileSync(this.#home.file(`${side}/admin.token`), 'utf8').trim();
  }

  async restart(side: Side): Promise<void> {
    await (side === 'node' ? this.#daemon : this.#relay)?.stop();
    await this.#start(side);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.stop();
    await this.#relay?.stop();
    await this.#home[Symbol.asyncDispose]();
  }

  async #start(side: Side): Promise<void> {
    const file = { 'listen.port': this.#ports[side] };
    const given = { flags: {}, environment: {}, file };
    const common = {
      directory: this.#home.file(side),
      log: pino({ level: 'silent' }),
      version: '0.0.0-test',
      now: () => Math.round(Date.now() + this.offsetMs[side]),
    };
    if (side === 'node') {
      this.#daemon = await startDaemon({ ...common, config: resolveConfig('node', nodeOptions, given).values });
    } else {
      this.#relay = await startRelay({ ...common, config: resolveConfig('relay', relayOptions, given).values });
    }
  }
}

test(
  'clocks that leap ten years to and fro, on both sides and over restarts, lose, reorder and lock out nothing',
  async () => {
    await using clocks = await Clocks.start();
    await using desk = connectRelay({ url: clocks.url('relay'), token: clocks.adminToken('relay') });
    await using admin = connect({ url: clocks.url('node'), token: clocks.adminToken('node') });
    const { token } = await admin.agents.create('ada');
    await using ada = connect({ url: clocks.url('node'), token });
    await join(admin, desk, clocks);
    const random = seededRandom(testSeed());
    const versions: string[] = [];
    for (let leap = 0; leap < LEAPS; leap += 1) {
      const side = random.pick<Side>(['node', 'relay']);
      clocks.offsetMs[side] = (random.next() * 20 - 10) * YEAR_MS;
      if (random.next() < 0.4) await clocks.restart(random.pick<Side>(['node', 'relay']));
      const notes = ada.collection('notes');
      const sent = { ack: 'relay', timeout: WAIT_SECONDS } as const;
      // A restarted side is found again after a backoff, and until then a write is answered as safe here.
      await expect
        .poll(() => notes.put(`n-${leap}`, { leap }, sent), { timeout: LIMIT_MS })
        .toMatchObject({ ack: 'relay' });
      const { version } = await notes.put('same', { leap }, sent);
      versions.push(version);
      const key = { idempotencyKey: `key-${leap}` };
      const made = await notes.create({ leap }, key);
      expect(await notes.create({ leap }, key)).toMatchObject({ id: made.id });
      const later = await notes.put('kept', { leap }, { ttl: 3600 });
      expect(await notes.get('kept')).toMatchObject({ version: later.version, doc: { leap } });
    }
    expect(versions).toEqual(versions.toSorted());
    expect(new Set(versions).size).toBe(LEAPS);
    await expect.poll(async () => (await ada.status()).outbox.records, { timeout: LIMIT_MS }).toBe(0);
    await expect.poll(async () => (await ada.status()).digest, { timeout: LIMIT_MS }).toBe('equal');
    expect((await admin.node.status()).relay).toMatchObject({ state: 'open', error: null });
    expect(await lasting(desk)).toBe(2 * LEAPS + 1);
  },
  LIMIT_MS,
);

async function join(admin: Holdfast, desk: HoldfastRelay, clocks: Clocks): Promise<void> {
  const { token } = await desk.invite({ node: 'leaping' });
  await admin.node.join({ relay: clocks.url('relay'), token, name: 'leaping' });
  await expect.poll(async () => (await admin.node.status()).relay.state).toBe('open');
}

/** Records at the relay that do not expire. */
async function lasting(desk: HoldfastRelay): Promise<number> {
  let count = 0;
  for await (const { id } of desk.each({ collection: 'notes' })) if (id !== 'kept') count += 1;
  return count;
}
