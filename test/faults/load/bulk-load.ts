import { HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';
import type { Json, Operation } from '@holdfast/protocol';
import { type SeededRandom, seededRandom } from '@holdfast/testkit';

import type { Agent } from '../../harness/network.ts';
import { Books, type Entry, type Found } from './books.ts';

/** Who writes, and how much in a request. */
export interface BulkOptions {
  readonly agents: readonly Agent[];
  readonly seed: number;
  /** Records of each writer. Default 300. */
  readonly records?: number;
  /** Lines of a stream. Default 100. */
  readonly lines?: number;
  /** Begins the ids of its records. Default nothing. */
  readonly prefix?: string;
  /** Characters a document is filled with at most. Default 200. */
  readonly fill?: number;
}

const COLLECTION = 'bulk';
const ATOMIC = 20;
const PAGE = 1000;

/** A line of a stream, or the rest of it, was refused. */
class RefusedLine extends Error {}

interface Writer {
  readonly agent: Agent;
  readonly name: string;
  readonly books: Books;
  readonly random: SeededRandom;
  readonly isAtomic: boolean;
  next: number;
}

/**
 * Agents that write as fast as they are answered: a stream of puts and deletes, and atomic batches beside it. They go on
 * until told to stop, or until their node is gone.
 */
export class BulkLoad {
  readonly #options: Required<Pick<BulkOptions, 'records' | 'lines' | 'fill'>>;
  readonly #writers: readonly Writer[];
  readonly #books = new Map<Agent, Books>();
  #running: Promise<unknown> = Promise.resolve();
  #isStopping = false;
  #wanted: { readonly count: number; readonly resolve: () => void } | undefined;
  #written = 0;
  readonly #refusals = new Map<string, number>();

  constructor({ agents, seed, records = 300, lines = 100, fill = 200, prefix = '' }: BulkOptions) {
    this.#options = { records, lines, fill };
    for (const agent of agents) this.#books.set(agent, new Books());
    this.#writers = agents.flatMap((agent, at) =>
      [false, true].map((isAtomic): Writer => {
        const name = `${prefix}${isAtomic ? 'atomic' : 'stream'}`;
        const random = seededRandom(seed + at * 2 + Number(isAtomic));
        return { agent, name, books: this.#booksOf(agent), random, isAtomic, next: 0 };
      }),
    );
  }

  /** Writes that were acknowledged, over all agents. */
  get acknowledged(): number {
    return [...this.#books.values()].reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** How often each code of the catalogue was the answer. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  /** Begins, or begins again. */
  begin(): void {
    this.#isStopping = false;
    this.#running = Promise.all(this.#writers.map((writer) => this.#run(writer)));
    this.#running.catch(() => undefined);
  }

  /** Resolves once so many more writes were acknowledged, or everybody has given up. */
  async more(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wanted = { count: this.#written + count, resolve };
    await Promise.race([promise, this.#running]);
  }

  /** Resolves once every writer has ended, as all do when their node is gone. Rejects with what one did not expect. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Lets every writer finish its request. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Reads everything back from the nodes and gives what is broken; see `Books.check`. */
  async check(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const [agent, books] of this.#books) {
      const broken = books.check(await recordsOf(agent));
      problems.push(...broken.map((problem) => `${agent.node}/${agent.agent}: ${problem}`));
    }
    return problems;
  }

  /** Like `check`, but says nothing of records that somebody else wrote. */
  async checkOwn(): Promise<readonly string[]> {
    return (await this.check()).filter((problem) => !problem.includes('nobody wrote it'));
  }

  async #run(writer: Writer): Promise<void> {
    try {
      while (!this.#isStopping) await (writer.isAtomic ? this.#atomic(writer) : this.#stream(writer));
    } catch (error) {
      // The node is going: its disk fails, it refuses, or it is gone.
      if (error instanceof HoldfastProblem) this.#refused(error.code);
      else if (!(error instanceof HoldfastUnreachable) && !(error instanceof RefusedLine)) throw error;
    }
  }

  async #stream(writer: Writer): Promise<void> {
    const entries = this.#entries(writer, this.#options.lines);
    const sent = writer.books.send(entries, false);
    const { error } = await writer.agent.client.stream(entries.map(toOperation), {
      onAnswer: (line) => {
        if ('error' in line) throw this.#refused(line.error.code);
        sent.acknowledged(line.line - 1, line.version);
        this.#note(1);
      },
    });
    if (error !== undefined) throw this.#refused(error.code);
  }

  async #atomic(writer: Writer): Promise<void> {
    const entries = this.#entries(writer, ATOMIC);
    const sent = writer.books.send(entries, true);
    const { results } = await writer.agent.client.batch(entries.map(toOperation));
    for (const [at, { version }] of results.entries()) sent.acknowledged(at, version);
    this.#note(results.length);
  }

  #entries(writer: Writer, count: number): readonly Entry[] {
    const { random, name, isAtomic, books } = writer;
    return Array.from({ length: Math.min(count, this.#options.records) }, () => {
      writer.next += 1;
      const id = `${name}-${writer.next % this.#options.records}`;
      const isDelete = !isAtomic && random.next() < 0.05 && books.holds(id);
      const fill = 'x'.repeat(random.integer(0, this.#options.fill));
      return { id, text: isDelete ? null : JSON.stringify({ next: writer.next, fill }) };
    });
  }

  #refused(code: string): RefusedLine {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
    return new RefusedLine(code);
  }

  #note(count: number): void {
    this.#written += count;
    if (this.#wanted !== undefined && this.#written >= this.#wanted.count) this.#wanted.resolve();
  }

  #booksOf(agent: Agent): Books {
    const books = this.#books.get(agent);
    if (books === undefined) throw new Error(`no books of ${agent.agent}`);
    return books;
  }
}

function toOperation({ id, text }: Entry): Operation {
  if (text === null) return { op: 'delete', collection: COLLECTION, id };
  return { op: 'put', collection: COLLECTION, id, doc: JSON.parse(text) as Json };
}

async function recordsOf({ client }: Agent): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>();
  if ((await client.collections.get(COLLECTION)) === undefined) return found;
  for await (const { id, version, doc } of client.collection(COLLECTION).each({ limit: PAGE })) {
    if (found.has(id)) throw new Error(`${id} is listed twice`);
    found.set(id, { version, text: JSON.stringify(doc) });
  }
  return found;
}
