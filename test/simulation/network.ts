import type { EncodedBatch, RelayAnswer, RelayCall, RelayExchange } from '@holdfast/daemon/parts';

import { TIMEOUT_MS } from './configuration.ts';
import type { FaultKind } from './faults.ts';
import { routeOf } from './node-routes.ts';
import { changesIn, type SentChange } from './sent-changes.ts';
import type { SimulatedRelay } from './simulated-relay.ts';
import type { Calling, Surroundings } from './surroundings.ts';

/** How likely each thing is to happen to a call, from 0 to 1. What is left goes well. */
export type Weather = Readonly<Partial<Record<FaultKind, number>>>;

/** A relay behind such a proxy takes nothing that holds this: it stands for documents that are too large. */
export const LARGE_MARK = '"large":true';

/** A call as it was sent. */
interface Sent {
  readonly from: Calling;
  readonly call: RelayCall;
  readonly body: string;
}

/** A call on its way. */
interface Journey extends Sent {
  readonly fate: FaultKind | undefined;
  readonly arrive: (answer: RelayAnswer) => void;
  readonly fail: (reason: string) => void;
}

/** The network between the nodes and their relay: it loses, keeps, doubles, cuts and garbles. */
export class Network {
  /** What calls meet just now. */
  weather: Weather = {};
  /** Nodes that are cut off. */
  readonly cutOff: Set<string> = new Set();
  /** Nodes the relay does not let in, with the status they get. */
  readonly shutOut: Map<string, number> = new Map();
  /** Whether the proxy before the relay refuses large documents. */
  refusesLarge = false;
  readonly #world: Surroundings;
  readonly #relay: SimulatedRelay;
  /** What may reach the relay yet, as it was sent. */
  readonly #onTheWay = new Set<Sent>();

  constructor(world: Surroundings, relay: SimulatedRelay) {
    this.#world = world;
    this.#relay = relay;
  }

  /** Everything goes well from now on. What is on its way stays on its way. */
  heal(): void {
    this.weather = {};
    this.cutOff.clear();
    this.shutOut.clear();
    this.refusesLarge = false;
  }

  /** The changes of a node that may reach the relay yet, whatever became of who sent them. */
  changesOnTheWay(node: string): readonly SentChange[] {
    return [...this.#onTheWay]
      .filter(({ from }) => from.node === node)
      .flatMap(({ call, body }) => changesIn(routeOf(call), body));
  }

  /** What one life of a node reaches the relay by. */
  exchangeFor(from: Calling): RelayExchange {
    const underWay = new Set<() => void>();
    return {
      encode: async (body) => Promise.resolve({ body, encoding: undefined }),
      send: (call, sent) =>
        new Promise((resolve, reject) => {
          if (from.isDead) return;
          const settle = (run: () => void): void => {
            if (from.isDead || !underWay.delete(cut)) return;
            disarm();
            run();
          };
          const fail = (reason: string): void => settle(() => reject(new Error(reason)));
          const cut = (): void => fail('cut');
          const patienceMs = TIMEOUT_MS + (call.patienceMs ?? 0);
          const disarm = this.#world.time.after(patienceMs, () => fail('timeout'));
          underWay.add(cut);
          call.signal?.addEventListener('abort', cut, { once: true });
          this.#begin({ from, call, body: textOf(sent), arrive: (answer) => settle(() => resolve(answer)), fail });
        }),
      follow: () => Promise.reject(new Error('no streams are followed here')),
      close: async () => {
        for (const cut of underWay) cut();
        await Promise.resolve();
      },
    };
  }

  #begin(begun: Omit<Journey, 'fate'>): void {
    const { random } = this.#world;
    const fate = this.#fateOf(routeOf(begun.call));
    const journey = { ...begun, fate, body: this.#mangled(begun.body, fate) };
    this.#world.note(begun.from.node, `${describe(begun.call, begun.body)}${fate === undefined ? '' : ` ${fate}`}`);
    if (fate !== undefined) this.#world.faults.add(fate);
    if (fate === 'request-lost') return;
    const isLate = fate === 'request-late';
    const delayMs = isLate ? random.integer(TIMEOUT_MS, 6 * TIMEOUT_MS) : random.integer(1, 40);
    this.#travel(begun, delayMs, () => this.#reach(journey));
    if (fate !== 'request-twice') return;
    const again = { ...journey, fate: undefined, arrive: () => undefined, fail: () => undefined };
    this.#travel(begun, random.integer(1, 4 * TIMEOUT_MS), () => this.#reach(again));
  }

  #travel({ from, call, body }: Sent, delayMs: number, reach: () => void): void {
    const sent = { from, call, body };
    this.#onTheWay.add(sent);
    this.#world.time.after(delayMs, () => {
      this.#onTheWay.delete(sent);
      reach();
    });
  }

  #fateOf(route: string): FaultKind | undefined {
    const { random } = this.#world;
    const fate = this.#drawFate(route === 'batch');
    // What comes by the fast lane may be old when it arrives, and merging alone knows it: this must happen often.
    const isDelayed = fate === undefined && route === 'immediate' && random.next() < 0.5;
    return isDelayed ? random.pick(['request-twice', 'request-late']) : fate;
  }

  #drawFate(isBatch: boolean): FaultKind | undefined {
    let drawn = this.#world.random.next();
    for (const [kind, chance] of Object.entries(this.weather) as [FaultKind, number][]) {
      drawn -= chance;
      if (drawn >= 0) continue;
      return (kind === 'body-cut' || kind === 'body-garbled') && !isBatch ? undefined : kind;
    }
    return undefined;
  }

  #mangled(body: string, fate: FaultKind | undefined): string {
    if (fate === 'body-cut') return body.slice(0, this.#world.random.integer(0, body.length - 1));
    // A digit inside a document: all but its hash is as it was.
    if (fate === 'body-garbled') return body.replace(/"doc":\{"n":\d/, '"doc":{"n":7');
    return body;
  }

  /** A call gets to the relay's door. */
  #reach(journey: Journey): void {
    const { from, call, body, fate, fail } = journey;
    if (this.cutOff.has(from.node)) return;
    if (!this.#relay.isUp) return this.#back(() => fail('ECONNREFUSED'));
    const status = this.shutOut.get(from.node);
    if (status !== undefined) return this.#answer(journey, plain(status));
    if (this.refusesLarge && body.includes(LARGE_MARK)) {
      this.#world.faults.add('too-large');
      return this.#answer(journey, plain(413));
    }
    if (fate === 'server-error') {
      return this.#answer(journey, { ...plain(503), retryAfter: String(this.#world.random.integer(1, 20)) });
    }
    this.#world.watch(this.#perform(journey, call, body));
  }

  async #perform(journey: Journey, call: RelayCall, body: string): Promise<void> {
    const { fate, from, fail } = journey;
    const answer = await this.#relay.answer(from.node, call, body);
    if (answer === undefined) return this.#back(() => fail('ECONNRESET'));
    this.#world.note('relay', `${routeOf(call)} of ${from.node}: ${answer.status}${cursorIn(answer)}`);
    if (fate === 'relay-crash-in-answer') {
      this.#world.crashRelay();
      return this.#back(() => fail('ECONNRESET'));
    }
    if (fate === 'answer-lost') return;
    if (fate === 'error-after-commit') return this.#answer(journey, plain(502));
    if (fate === 'answer-garbled') return this.#answer(journey, { ...answer, text: answer.text.slice(0, -2) });
    return this.#answer(journey, answer);
  }

  #answer({ from, arrive }: Journey, answer: RelayAnswer): void {
    this.#back(() => {
      if (!this.cutOff.has(from.node)) arrive(answer);
    });
  }

  #back(run: () => void): void {
    this.#world.time.after(this.#world.random.integer(1, 40), run);
  }
}

function textOf(sent: EncodedBatch | undefined): string {
  return sent === undefined ? '' : String(sent.body);
}

function plain(status: number): RelayAnswer {
  return { status, text: '', retryAfter: undefined };
}

function describe(call: RelayCall, body: string): string {
  const route = routeOf(call);
  if (route !== 'batch') return route;
  const { agent, base, upto, count } = JSON.parse(body.split('\n', 1)[0] ?? '') as {
    agent: string;
    base: { seq: number };
    upto: { seq: number };
    count: number;
  };
  return `batch ${agent} ${base.seq}..${upto.seq} (${count})`;
}

function cursorIn({ text }: RelayAnswer): string {
  const seq = /"cursor":\{"seq":(\d+)/.exec(text)?.[1];
  return seq === undefined ? '' : ` at ${seq}`;
}
