import { type BatchLine, type Json, type JsonObject, mergePatch, type Operation } from '@holdfast/protocol';
import type { SeededRandom } from '@holdfast/testkit';

import { sampleDocument } from './documents.ts';
import type { Answer, Attempt, Effect, Ledger, NetworkKey } from './ledger.ts';
import type { Agent } from './network.ts';

const COLLECTIONS = ['notes', 'journal', 'candidates'];
const MOST_BATCH_OPERATIONS = 10;
const MOST_STREAM_OPERATIONS = 40;
const TTL_SECONDS = 86_400;

/** One request of a lane, noted in the ledger. */
export interface Write {
  /** Sends it and notes the answer. Throws what the client throws. */
  send(): Promise<void>;
  /** It did nothing. */
  refused(): void;
  /** Nobody knows what it did. */
  doubted(): void;
  /** Whether it is sent until it is answered, the same each time: it has an idempotency key. */
  readonly mustBeRepeated: boolean;
}

/** What a lane works with. */
export interface LaneOptions {
  readonly agent: Agent;
  readonly ledger: Ledger;
  readonly random: SeededRandom;
  /** Begins the ids of its records: no other lane of the agent has it. */
  readonly name: string;
}

interface Known {
  readonly collection: string;
  readonly id: string;
  readonly doc: Json;
}

/** One writer of one agent: knows what it wrote, and never touches again what is in doubt, but to write it anew. */
export class Lane {
  readonly random: SeededRandom;
  readonly #options: LaneOptions;
  readonly #known = new Map<string, Known>();
  #inDoubt: { readonly collection: string; readonly id: string }[] = [];
  #count = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.random = options.random;
  }

  /** The lane's next request. */
  next(): Write {
    const kinds = [
      () => this.#put(this.#fresh()),
      () => this.#put(this.#known.size > 0 ? this.#pick() : this.#fresh()),
      () => this.#patch(),
      () => this.#delete(),
      () => this.#setKey(),
      () => this.#create(),
      () => this.#batch(),
      () => this.#stream(),
    ];
    const doubted = this.#inDoubt.shift();
    return doubted === undefined ? this.random.pick(kinds)() : this.#put(doubted);
  }

  #put({ collection, id }: { readonly collection: string; readonly id: string }): Write {
    const doc = this.#document();
    const target = { collection, id };
    return this.#single({ ...target, doc }, () => this.#client.collection(collection).put(id, doc));
  }

  #setKey(): Write {
    const key = `${this.#options.name}-key-${this.random.integer(0, 20)}`;
    const doc = this.random.pick<Json>([null, 0.1, 'a "quoted" word', ['x', 1], this.#document()]);
    const options = this.random.pick([{}, { ttl: TTL_SECONDS }]);
    return this.#single({ collection: 'kv', id: key, doc }, () => this.#client.kv.put(key, doc, options));
  }

  #patch(): Write {
    if (this.#known.size === 0) return this.#put(this.#fresh());
    const { collection, id, doc } = this.#pick();
    const patch: JsonObject = { status: this.random.pick(['active', 'hired', null]), count: this.#count };
    const patched = { collection, id, doc: mergePatch(doc, patch) };
    return this.#single(patched, () => this.#client.collection<JsonObject>(collection).patch(id, patch));
  }

  #delete(): Write {
    if (this.#known.size === 0) return this.#put(this.#fresh());
    const { collection, id } = this.#pick();
    return this.#single({ collection, id, doc: undefined }, async () => {
      const answer = await this.#client.collection(collection).delete(id);
      if (answer === undefined) throw new Error(`${collection}/${id} was acknowledged and is not there`);
      return answer;
    });
  }

  /** The daemon makes the id, so the ledger hears of it with the answer: repeated under its key until there is one. */
  #create(): Write {
    const { agent, ledger } = this.#options;
    const doc = this.#document();
    const idempotencyKey = `${agent.agent}-${this.#fresh().id}`;
    const send = async (): Promise<void> => {
      const { id, ...answer } = await this.#client.collection('created').create(doc, { idempotencyKey });
      ledger.attempt([this.#effect({ collection: 'created', id, doc })]).acknowledged([answer]);
    };
    return { send, refused: ignore, doubted: ignore, mustBeRepeated: true };
  }

  /** An atomic batch of new records. Half of them are repeated under their key, the others stay in doubt. */
  #batch(): Write {
    const { agent, ledger } = this.#options;
    const records = this.#freshRecords(MOST_BATCH_OPERATIONS);
    const operations = records.map(({ collection, id, doc }): Operation => ({ op: 'put', collection, id, doc }));
    const idempotencyKey = `${agent.agent}-${this.#fresh().id}`;
    const attempt = ledger.attempt(records.map((record) => this.#effect(record)));
    const mustBeRepeated = this.random.next() < 0.5;
    const send = async (): Promise<void> => {
      const { results } = await this.#client.batch(operations, { idempotencyKey });
      attempt.acknowledged(results);
      for (const record of records) this.#remember(record);
    };
    return { send, refused: () => mustBeRepeated || attempt.refused(), doubted: ignore, mustBeRepeated };
  }

  /** A stream of new records: each line stands for itself. */
  #stream(): Write {
    const { ledger } = this.#options;
    const records = this.#freshRecords(MOST_STREAM_OPERATIONS);
    const operations = records.map(({ collection, id, doc }): Operation => ({ op: 'put', collection, id, doc }));
    const attempts = records.map((record) => ledger.attempt([this.#effect(record)]));
    const answered = new Set<Attempt>();
    const onAnswer = (line: BatchLine): void => {
      if ('error' in line) throw new Error(`line ${line.line} was refused: ${line.error.code}`);
      const [record, attempt] = [records[line.line - 1], attempts[line.line - 1]];
      if (record === undefined || attempt === undefined) throw new Error(`there is no line ${line.line}`);
      attempt.acknowledged([line]);
      answered.add(attempt);
      this.#remember(record);
    };
    return {
      send: async () => {
        const { error } = await this.#client.stream(operations, { onAnswer });
        if (error !== undefined) throw new Error(`the stream was stopped: ${error.code}`);
      },
      refused: () => attempts.filter((attempt) => !answered.has(attempt)).forEach((attempt) => attempt.refused()),
      doubted: ignore,
      mustBeRepeated: false,
    };
  }

  #single(made: Omit<Known, 'doc'> & { readonly doc: Json | undefined }, write: () => Promise<Answer>): Write {
    const attempt = this.#options.ledger.attempt([this.#effect(made)]);
    const { collection, id, doc } = made;
    return {
      send: async () => {
        attempt.acknowledged([await write()]);
        if (doc === undefined) this.#known.delete(`${collection}/${id}`);
        else if (collection !== 'kv') this.#remember({ collection, id, doc });
      },
      refused: () => attempt.refused(),
      doubted: () => {
        this.#known.delete(`${collection}/${id}`);
        if (collection !== 'kv' && this.random.next() < 0.5) this.#inDoubt.push({ collection, id });
      },
      mustBeRepeated: false,
    };
  }

  get #client(): Agent['client'] {
    return this.#options.agent.client;
  }

  #effect({ collection, id, doc }: Omit<Known, 'doc'> & { readonly doc: Json | undefined }): Effect {
    const { node, agent, resource } = this.#options.agent;
    const key: NetworkKey = { node, agent, resource, collection, id };
    return { key, text: doc === undefined ? null : JSON.stringify(doc) };
  }

  #remember(record: Known): void {
    this.#known.set(`${record.collection}/${record.id}`, record);
  }

  #pick(): Known {
    return this.random.pick([...this.#known.values()]);
  }

  #fresh(): { readonly collection: string; readonly id: string } {
    this.#count += 1;
    return { collection: this.random.pick(COLLECTIONS), id: `${this.#options.name}-${this.#count}` };
  }

  #freshRecords(most: number): readonly Known[] {
    const length = this.random.integer(2, most);
    return Array.from({ length }, () => ({ ...this.#fresh(), doc: this.#document() }));
  }

  #document(): JsonObject {
    return sampleDocument(this.random, this.#count);
  }
}

function ignore(): void {
  // Nothing to undo.
}
