import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect, connectRelay, type Holdfast, type HoldfastRelay } from '@holdfast/client';

import type { CommandError } from '../command-error.ts';
import { Service } from './service.ts';

/** What is left of the demo's folder. */
export type Remains = 'all' | 'logs' | 'nothing';

/** What a stage needs. */
export interface StageOptions {
  readonly nodes: readonly string[];
  readonly signal: AbortSignal;
  readonly onCrash: (error: CommandError) => void;
}

/** The demo's temporary folder and the processes that live in it. Nothing runs at first. */
export class Stage {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  readonly logs: string = join(this.folder, 'logs');
  readonly relay: Service;
  readonly nodes: readonly Service[];
  readonly #clients: AsyncDisposable[] = [];
  readonly #onExit = (): void => this.#abandon();

  /** Should this process end without `clear`, its services are killed and the folder is removed. */
  constructor({ nodes, signal, onCrash }: StageOptions) {
    mkdirSync(this.logs);
    const place = { folder: this.folder, signal, onCrash };
    this.relay = new Service({ ...place, name: 'relay', kind: 'relay' });
    this.nodes = nodes.map((name) => new Service({ ...place, name, kind: 'node' }));
    process.on('exit', this.#onExit);
  }

  /** All processes, the relay first. */
  get services(): readonly Service[] {
    return [this.relay, ...this.nodes];
  }

  /** The node of that name. */
  node(name: string): Service {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  /** The relay's client, as its admin. Closed with the stage. */
  connectRelay(): HoldfastRelay {
    return this.#keep(connectRelay({ url: this.relay.url, token: this.relay.adminToken }));
  }

  /** A node's client, as its admin. Closed with the stage. */
  connectNode({ url, adminToken: token }: Service): Holdfast {
    return this.#keep(connect({ url, token }));
  }

  /** An agent's client; its token is kept in a file. Nothing is sent again by itself. Closed with the stage. */
  connectAgent({ url }: Service, agent: string, token: string): Holdfast {
    const folder = join(this.folder, 'tokens');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${agent}.token`), `${token}\n`, { mode: 0o600 });
    return this.#keep(connect({ url, token, retries: 0 }));
  }

  /** Ends the demo's part: with `all` the services run on, else they are stopped and the folder is cleared. */
  async clear(remains: Remains): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
    if (remains === 'all') for (const service of this.services) service.release();
    else await Promise.all(this.services.map((service) => service.stop('SIGTERM')));
    process.off('exit', this.#onExit);
    this.#remove(remains);
  }

  #keep<Client extends AsyncDisposable>(client: Client): Client {
    this.#clients.push(client);
    return client;
  }

  #abandon(): void {
    for (const service of this.services) service.killNow();
    this.#remove('nothing');
  }

  #remove(remains: Remains): void {
    if (remains === 'all') return;
    if (remains === 'nothing') rmSync(this.folder, { recursive: true, force: true });
    const others = remains === 'logs' ? readdirSync(this.folder).filter((name) => name !== 'logs') : [];
    for (const name of others) rmSync(join(this.folder, name), { recursive: true, force: true });
  }
}
