import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';

import { HybridClock, type Json, parseDocument, type Reject, startOfBoot } from '@holdfast/protocol';
import { AgentFiles, type AgentStore, type WriteResult, type WrittenRange } from '@holdfast/store';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { type Logger, pino } from 'pino';

import type { Notice } from '../../src/sync/notices.ts';
import { relayTransport } from '../../src/sync/relay-transport.ts';
import { SyncEngine } from '../../src/sync/sync-engine.ts';
import type { Timers } from '../../src/sync/timers.ts';
import type { Transport } from '../../src/sync/transport.ts';
import { ManualTimers } from './manual-timers.ts';
import type { ModelRelay } from './model-relay.ts';
import { testConfig, type TestDaemonOptions } from './test-daemon.ts';

/** What a test changes about its node. */
export interface SyncBenchOptions {
  readonly agents?: readonly string[];
  readonly timers?: Timers;
  readonly random?: () => number;
  readonly now?: () => number;
  readonly timeoutMs?: number;
  readonly config?: TestDaemonOptions['config'];
  readonly predecessors?: readonly string[];
  readonly log?: Logger;
  /** See `SyncOptions.onSettled`. */
  readonly onSettled?: (node: SyncBench) => void;
  /** A directory to use instead of a fresh one; the test removes it. */
  readonly directory?: string;
}

/** Everything of a node that sync needs and nothing else: agent files, an engine, real HTTP to a relay. */
export class SyncBench implements AsyncDisposable {
  readonly engine: SyncEngine;
  readonly files: AgentFiles;
  readonly agents: string[];
  readonly boot: string = randomBytes(16).toString('hex');
  readonly notices: Notice[] = [];
  readonly taken: { changes: number; rejects: number } = { changes: 0, rejects: 0 };
  /** Where the agents' files stand. */
  readonly directory: string;
  readonly #own: TemporaryDirectory | undefined;
  readonly #timeoutMs: number;

  private constructor(options: SyncBenchOptions, directory: string, own: TemporaryDirectory | undefined) {
    const { now = Date.now, timers = new ManualTimers(), random = () => 0.5 } = options;
    this.#own = own;
    this.directory = directory;
    this.#timeoutMs = options.timeoutMs ?? 20_000;
    this.agents = [...(options.agents ?? ['ada'])];
    const config = testConfig(options.config);
    mkdirSync(directory, { recursive: true });
    this.files = new AgentFiles({
      directory,
      clock: new HybridClock(now, startOfBoot(this.boot)),
      now,
      commit: config,
      maxOpen: 8,
      onCommit: (agent) => this.engine.written(agent),
    });
    this.engine = new SyncEngine({
      config,
      boot: this.boot,
      predecessors: () => options.predecessors ?? [],
      agents: () => this.agents,
      waiting: () => undefined,
      store: (agent) => this.files.get(agent),
      onTaken: (changes: number, rejects: readonly Reject[]) => {
        this.taken.changes += changes;
        this.taken.rejects += rejects.length;
      },
      onSettled: () => options.onSettled?.(this),
      onNotice: (notice) => this.notices.push(notice),
      now,
      random,
      timers,
      log: options.log ?? pino({ level: 'silent' }),
    });
  }

  /** Makes one; it knows no relay yet. */
  static async make(options: SyncBenchOptions = {}): Promise<SyncBench> {
    const own = options.directory === undefined ? await temporaryDirectory() : undefined;
    return new SyncBench(options, options.directory ?? own?.file('agents') ?? '', own);
  }

  /** The node belongs to a relay. */
  enrol(relay: Pick<ModelRelay, 'url'>): void {
    this.engine.enrol(this.#transportTo(relay));
  }

  /** The node belongs to a relay as another one. */
  reenrol(relay: Pick<ModelRelay, 'url'>, boot: string): Promise<void> {
    return this.engine.reenrol({ boot, transport: this.#transportTo(relay) });
  }

  #transportTo({ url }: Pick<ModelRelay, 'url'>): Transport {
    return relayTransport({ url, credential: 'node-credential', timeoutMs: this.#timeoutMs });
  }

  /** An agent's file, to be used at once. */
  store(agent = 'ada'): AgentStore {
    return this.files.get(agent);
  }

  /** Writes a record of the collection `notes`. */
  async put(id: string, doc: Json = { id }, agent = 'ada'): Promise<WriteResult> {
    const document = parseDocument(JSON.stringify(doc));
    const operation = { op: 'put', collection: 'notes', id, document, expiresAtMs: null } as const;
    const [result] = await this.store(agent).write({ resource: '', operations: [operation] });
    if (result === undefined) throw new Error('the write has no result');
    return result;
  }

  /** Writes `n0`, `n1`, … in one transaction. */
  async putMany(count: number, agent = 'ada', doc: Json = {}): Promise<void> {
    const document = parseDocument(JSON.stringify(doc));
    const writes = Array.from({ length: count }, (_, index) => ({
      resource: '',
      operations: [{ op: 'put', collection: 'notes', id: `n${index}`, document, expiresAtMs: null } as const],
    }));
    await this.store(agent).writeEach(writes);
  }

  /** An agent's live notes, as the relay's `documents` shows them. */
  documents(agent = 'ada'): Record<string, string> {
    const found = this.store(agent).list(
      { resource: '', collection: 'notes' },
      { prefix: '', after: '', limit: 1e6 },
    ).rows;
    return Object.fromEntries(found.map(({ id, text }) => [`notes/${id}`, text]));
  }

  /** Stops sync and closes the files; the directory stays. */
  async stop(): Promise<void> {
    await this.engine.stop();
    this.files.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#own?.[Symbol.asyncDispose]();
  }
}

/** Where one write put its records, out of its results. */
export function rangeOf(...results: readonly WriteResult[]): WrittenRange {
  const [first] = results;
  const last = results.at(-1);
  if (first === undefined || last === undefined) throw new Error('nothing was written');
  return { first: first.seq, last: last.seq, version: last.version };
}
