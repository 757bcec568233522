import { isHoldfastError } from '@holdfast/protocol';
import type { StoreOperation, WriteResult } from '@holdfast/store';

import { AGENTS, COLLECTION } from './configuration.ts';
import { LARGE_MARK } from './network.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import { keyOf, type Write } from './values.ts';
import type { World } from './world.ts';

/** Beyond every clock of every world: a record that expires then is kept like one that never does. */
export const FAR_FUTURE_MS: number = Date.UTC(2200, 0, 1);
const ACK_TIMEOUT_MS = 20_000;

/** What kinds of writes there are. */
type WriteKind = 'put' | 'poison' | 'large' | 'short' | 'long' | 'delete';

interface Target {
  readonly agent: string;
  readonly resource: string;
}

interface Planned {
  readonly write: Write;
  readonly operation: StoreOperation;
}

/** A write that may be asked for once more, because nobody knows what became of it. */
interface Repeatable extends Target {
  readonly line: NodeLine;
  readonly planned: Planned;
}

/** How a request is made. */
interface Manner {
  readonly waitsForRelay?: boolean;
  readonly idempotencyKey?: string;
}

/** The agents' programs: they write, and remember what they were told. */
export class Writer {
  /** Writes that were asked for, and those that were acknowledged. */
  asked = 0;
  acknowledged = 0;
  readonly #world: World;
  #repeatable: Repeatable | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** One to four writes at once, some of them together in one request. */
  writeSome(life: NodeLife, line: NodeLine): void {
    const { random } = this.#world;
    const target = this.#target();
    if (random.next() < 0.15) {
      this.#request({ life, line, ...target }, this.#group(target));
      return;
    }
    for (let left = random.integer(1, 4); left > 0; left -= 1) {
      const planned = this.#plan(target, this.#kind());
      this.#request({ life, line, ...target }, [planned], { waitsForRelay: random.next() < 0.4 });
    }
  }

  /** A write under an idempotency key; `repeat` asks for it again. */
  writeRepeatably(life: NodeLife, line: NodeLine): void {
    const target = this.#target();
    const planned = this.#plan(target, 'put');
    this.#repeatable = { line, planned, ...target };
    this.#request({ life, line, ...target }, [planned], { idempotencyKey: String(planned.write.serial) });
  }

  /** Asks again for what `writeRepeatably` asked for last, unless there is a later write of its record. */
  repeat(life: NodeLife, line: NodeLine): void {
    const last = this.#repeatable;
    if (
      last === undefined ||
      last.line !== line ||
      last.line.expectations.lastAsked(last.planned.write.key) !== last.planned.write.serial
    )
      return;
    this.#request({ life, ...last }, [last.planned], { idempotencyKey: String(last.planned.write.serial) });
  }

  /** A document the relay will refuse: JavaScript takes a NUL, PostgreSQL would not. */
  writePoison(life: NodeLife, line: NodeLine): void {
    const target = this.#target();
    this.#request({ life, line, ...target }, [this.#plan(target, 'poison')]);
  }

  #target(): Target {
    const { random } = this.#world;
    return { agent: random.pick(AGENTS), resource: random.pick(['', 'app:u']) };
  }

  #kind(): WriteKind {
    const { random } = this.#world;
    return random.pick(['put', 'put', 'put', 'put', 'put', 'put', 'large', 'short', 'long', 'delete', 'delete']);
  }

  /** Operations on different records. */
  #group(target: Target): Planned[] {
    const planned = Array.from({ length: this.#world.random.integer(2, 5) }, () => this.#plan(target, 'put'));
    const different = [...new Map(planned.map((one) => [one.write.key, one])).values()];
    const group: Write[] = [];
    for (const { write } of different) group.push({ ...write, group });
    return different.map(({ operation }, index) => ({ write: group[index] as Write, operation }));
  }

  #plan({ agent, resource }: Target, kind: WriteKind): Planned {
    const { random, writes, time } = this.#world;
    const prefix = kind === 'short' || kind === 'long' ? kind : 'kept';
    const id = `${prefix}-${random.integer(0, prefix === 'kept' ? 5 : 1)}`;
    const serial = writes.size + 1;
    const key = keyOf(agent, { resource, collection: COLLECTION, id });
    const text = kind === 'delete' ? null : documentText(serial, kind);
    const write: Write = { serial, key, text, isPoison: kind === 'poison' };
    writes.set(serial, write);
    if (text === null) return { write, operation: { op: 'delete', collection: COLLECTION, id } };
    const document = { text, value: JSON.parse(text) as { n: number } };
    const expiresAtMs =
      kind === 'short' ? time.nowMs + random.integer(1_000, 600_000) : kind === 'long' ? FAR_FUTURE_MS : null;
    return { write, operation: { op: 'put', collection: COLLECTION, id, document, expiresAtMs } };
  }

  #request(
    { life, line, agent, resource }: Target & { readonly life: NodeLife; readonly line: NodeLine },
    planned: readonly Planned[],
    { waitsForRelay = false, idempotencyKey }: Manner = {},
  ): void {
    const writes = planned.map(({ write }) => write);
    for (const write of writes) this.#ask(line, write);
    this.asked += writes.length;
    const names = writes.map(({ key, serial, text }) => `${key}${text === null ? ' deleted' : ''} #${serial}`);
    this.#world.note(line.label, `${waitsForRelay ? 'writes for the relay' : 'writes'} ${names.join(', ')}`);
    const { relay, faults } = this.#world;
    const before = relay.timesPutBack + faults.of('relay-record-lost');
    const operations = planned.map(({ operation }) => operation);
    const fingerprint =
      idempotencyKey === undefined ? {} : { idempotency: { key: idempotencyKey, fingerprint: 'same' } };
    const answer = life.records.write(
      { agent, resource },
      { operations, ...fingerprint },
      { ack: waitsForRelay ? 'relay' : 'local', timeoutMs: ACK_TIMEOUT_MS },
    );
    const answered = answer.then(
      async ({ results, ack }) => {
        if (life.isDead) return;
        this.#acknowledge(line, writes);
        const isSame = before === relay.timesPutBack + faults.of('relay-record-lost');
        if (ack === 'relay' && isSame) await this.#assertOnRelay(line, writes, results);
      },
      (error: unknown) => {
        if (life.isDead) return;
        if (!isHoldfastError(error, 'record-not-found')) throw error;
        for (const write of writes) this.#refuse(line, write);
      },
    );
    this.#world.watch(answered);
  }

  #ask({ node, nowMs, expectations }: NodeLine, write: Write): void {
    expectations.asked(write);
    if (write.text === null) this.#world.deletions.asked({ node, write, atMs: nowMs });
  }

  #refuse({ expectations }: NodeLine, write: Write): void {
    expectations.refused(write);
    this.#world.deletions.refused(write);
  }

  #acknowledge({ expectations }: NodeLine, writes: readonly Write[]): void {
    this.acknowledged += writes.length;
    for (const write of writes) expectations.acknowledged(write);
  }

  /** The caller was told that the relay has it. */
  async #assertOnRelay({ node }: NodeLine, writes: readonly Write[], results: readonly WriteResult[]): Promise<void> {
    const { relay } = this.#world;
    if (!relay.isUp) return;
    const held = await relay.held(node);
    for (const [index, { key }] of writes.entries()) {
      const version = held.get(key)?.version ?? '';
      if (key.includes(' short-') || version >= (results[index]?.version ?? '')) continue;
      this.#world.violated(`${node}: ${key} was acknowledged as on the relay and is not there`);
    }
  }
}

function documentText(serial: number, kind: WriteKind): string {
  if (kind === 'poison') return `{"n":${serial},"poison":"\\u0000"}`;
  if (kind === 'large') return `{"n":${serial},${LARGE_MARK}}`;
  return `{"n":${serial}}`;
}
