import { differencesOf, type Notice, type RelayExchange } from '@holdfast/daemon/parts';
import type { ConfiguredSubscriptions } from '@holdfast/protocol';
import { seededRandom, type SeededRandom } from '@holdfast/testkit';
import { pino, type Logger } from 'pino';

import { AGENTS } from './configuration.ts';
import { copiesIn } from './copied-scopes.ts';
import { Deletions } from './deletions.ts';
import type { SimulatedDisk } from './disk.ts';
import { Expectations } from './expectations.ts';
import { FaultCounts } from './faults.ts';
import { LetterPromises, postsIn } from './letter-promises.ts';
import { LockPromises, locksIn } from './lock-promises.ts';
import { MessagePromises, publishesIn } from './message-promises.ts';
import { Network } from './network.ts';
import { OperationCounts } from './operations.ts';
import { Removed } from './removed.ts';
import { SharedPromises, sharesIn } from './shared-promises.ts';
import { SimulatedRelay } from './simulated-relay.ts';
import { NodeLine } from './simulated-node.ts';
import type { Calling, Surroundings } from './surroundings.ts';
import type { Template } from './template.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';
import type { Stored, Write } from './values.ts';

/** A relay, its nodes, and all that is between and around them. */
export class World implements Surroundings {
  readonly time: VirtualTime = new VirtualTime();
  readonly seed: number;
  readonly random: SeededRandom;
  readonly faults: FaultCounts = new FaultCounts();
  readonly operations: OperationCounts = new OperationCounts();
  readonly trace: Trace;
  readonly network: Network;
  readonly relay: SimulatedRelay;
  readonly disk: SimulatedDisk;
  /** The lines of all nodes. A node with a clone has two. */
  readonly lines: NodeLine[] = [];
  /** Every write that was asked for, by its serial. */
  readonly writes: Map<number, Write> = new Map();
  /** Every deletion that was asked for. */
  readonly deletions: Deletions = new Deletions();
  /** How often nodes had a clone, or were put back. */
  readonly #branches = new Map<string, number>();
  /** Nodes that had a clone. */
  readonly cloned: Set<string> = new Set();
  /** Nodes that had a file of an agent begun anew beside another one: two streams bring its records. */
  readonly begunAnew: Set<string> = new Set();
  /** What retention removed. */
  readonly removed: Removed = new Removed();
  /** What was promised of records that all nodes share; undefined in a world where nothing is shared. */
  readonly shared: SharedPromises | undefined;
  /** What was promised of durable messages; undefined in a world where none are published. */
  readonly messages: MessagePromises | undefined;
  /** What was promised of letters; undefined in a world where none are sent. */
  readonly letters: LetterPromises | undefined;
  /** What was promised of locks; undefined in a world where none are taken. */
  readonly locks: LockPromises | undefined;
  /** What each node keeps a copy of; undefined in a world where none are kept. */
  readonly copies: ConfiguredSubscriptions | undefined;
  /** Whether only such faults happen as never make node and relay differ. */
  readonly isCalm: boolean;
  /** Promises that were broken. */
  readonly violations: string[] = [];
  /** Records found to differ by comparing digests, and made the same. */
  repairs = 0;
  /** What the logs told, by message. */
  readonly told: Map<string, number> = new Map();
  #ids = 0;
  readonly #waiting: (() => void | Promise<void>)[] = [];

  constructor(seed: number, disk: SimulatedDisk, template: Template, print?: (line: string) => void) {
    this.seed = seed;
    this.random = seededRandom(seed);
    this.isCalm = this.random.next() < 0.3;
    this.shared = sharesIn(seed) ? new SharedPromises() : undefined;
    this.messages = this.shared !== undefined && publishesIn(seed) ? new MessagePromises() : undefined;
    this.letters = postsIn(seed) ? new LetterPromises() : undefined;
    this.locks = locksIn(seed) ? new LockPromises() : undefined;
    this.copies = copiesIn(seed);
    this.disk = disk;
    this.trace = new Trace(print);
    this.relay = new SimulatedRelay(this, disk, disk.copy(template.relay));
    this.network = new Network(this, this.relay);
    this.relay.start();
    for (const [node, directory] of template.nodes.slice(0, this.random.integer(2, 3))) {
      this.addLine({ node, label: node, expectations: new Expectations() }, disk.copy(directory)).start();
    }
  }

  /** Adds a line of a node; it is not started. */
  addLine(is: Pick<NodeLine, 'node' | 'label' | 'expectations'>, directory: string): NodeLine {
    // Opening a file takes far longer than using it: few nodes have to do it again and again.
    const maxOpen = this.random.next() < 0.15 ? 1 : AGENTS.length + 1;
    const { copies } = this;
    const carries = { shares: this.shared !== undefined, posts: this.letters !== undefined, copies };
    const line = new NodeLine(this, this.disk, { ...is, maxOpen, ...carries }, directory);
    this.lines.push(line);
    return line;
  }

  /** Notes an event. */
  note(who: string, what: string): void {
    this.trace.note(this.time.nowMs, who, what);
  }

  /** Notes that a promise was broken. */
  violated(what: string): void {
    this.note('VIOLATION', what);
    this.violations.push(what);
  }

  /**
   * Whether a node had a clone or was put back, and the relay was put back too, or a file was begun anew. It may then agree
   * with the relay's cursor and yet not hold the same; comparing digests finds that out, but for records that expire, which
   * no digest counts.
   */
  isParted(node: string): boolean {
    return this.begunAnew.has(node) || (this.relay.timesPutBack > 0 && this.branchesOf(node) > 0);
  }

  /** Something was noticed about a stream. */
  noticed(notice: Notice): void {
    const differences = notice.kind === 'repaired' ? differencesOf(notice.settlement) : 0;
    this.repairs += differences;
    // What a node removed it cannot send to a relay that was put back: an older state may be there, and is taken over.
    const isParted = this.relay.timesPutBack > 0 && this.removed.isAny;
    if (this.isCalm && differences > 0 && !isParted)
      this.violated(`${differences} records differed, and nothing had parted them`);
  }

  /** What fails here without anybody waiting is a bug. */
  watch(running: Promise<unknown>): void {
    running.catch((error: unknown) => this.violated(`a bug: ${String(error instanceof Error ? error.stack : error)}`));
  }

  /** Does something when nothing of this moment runs any more. */
  later(run: () => void | Promise<void>): void {
    this.#waiting.push(run);
  }

  /** Resolves when nothing of this moment runs any more and what waited for that is done. */
  async settle(): Promise<void> {
    await this.time.quiet();
    for (let run = this.#waiting.shift(); run !== undefined; run = this.#waiting.shift()) {
      await run();
      await this.time.quiet();
    }
  }

  /** Lets time pass. */
  async pass(durationMs: number): Promise<void> {
    await this.settle();
    await this.time.pass(durationMs);
    await this.settle();
  }

  /** Makes an id that nothing else in this world has. */
  makeId(): string {
    this.#ids += 1;
    return `made-${this.#ids}`;
  }

  /** What one life of a node reaches the relay by. */
  exchangeFor(from: Calling): RelayExchange {
    return this.network.exchangeFor(from);
  }

  /** A logger whose warnings and errors go into the trace. */
  logOf(who: string): Logger {
    const write = (text: string): void => {
      const { msg, reason } = JSON.parse(text) as { msg: string; reason?: string };
      this.told.set(msg, (this.told.get(msg) ?? 0) + 1);
      this.note(who, `“${msg}”${reason === undefined ? '' : ` ${reason}`}`);
    };
    return pino({ level: 'warn' }, { write });
  }

  /** Ends the relay as a power cut would. It comes back by itself. */
  crashRelay(): void {
    if (!this.relay.isUp) return;
    this.relay.crash();
    this.note('relay', 'crashed');
    this.time.after(this.random.integer(1, 30_000), () => this.startRelay());
  }

  /** Starts the relay, unless it is up. */
  startRelay(): void {
    if (this.relay.isUp) return;
    this.relay.start();
    this.note('relay', 'started');
  }

  /** Ends a line's process as a power cut would. It comes back by itself. */
  crashLine(line: NodeLine): void {
    const unanswered = line.crash();
    this.note(line.label, `crashed with ${unanswered.length} unanswered`);
    this.time.after(this.random.integer(1, 30_000), () => this.startLine(line));
  }

  /** Starts a line's process, unless it runs or the line has ended. */
  startLine(line: NodeLine): void {
    if (line.life !== undefined || !this.lines.includes(line)) return;
    line.start();
    this.note(line.label, 'started');
    const half = line.halfWritten();
    if (half !== undefined) this.violated(`${line.label}: half of a batch is there: ${half}`);
  }

  /** Everything that was ended and did not come back yet does. */
  startAll(): void {
    this.startRelay();
    for (const line of this.lines) this.startLine(line);
  }

  /** A node has another line, or goes on from a copy. */
  branch(node: string, copy: string): void {
    this.#branches.set(node, this.branchesOf(node) + 1);
    if (AGENTS.some((agent) => !this.disk.has(copy, agent))) this.begunAnew.add(node);
  }

  /** How often a node had a clone, or was put back, in whole or in part. */
  branchesOf(node: string): number {
    return this.#branches.get(node) ?? 0;
  }

  /** The lines of a node. */
  linesOf(node: string): readonly NodeLine[] {
    return this.lines.filter((line) => line.node === node);
  }

  /** A node's only line; undefined while it has a clone. */
  onlyLineOf(node: string): NodeLine | undefined {
    const lines = this.linesOf(node);
    return lines.length === 1 ? lines[0] : undefined;
  }

  /** The nodes there are. */
  get nodes(): readonly string[] {
    return [...new Set(this.lines.map(({ node }) => node))];
  }

  /** What the relay holds of a node, by key. */
  async onRelay(node: string): Promise<ReadonlyMap<string, Stored>> {
    return this.relay.held(node);
  }

  /** Ends everything and closes every file. */
  async end(): Promise<void> {
    this.network.heal();
    for (const line of this.lines) {
      const { life } = line;
      if (life === undefined) continue;
      life.die();
      this.later(() => life.close());
    }
    await this.settle();
    if (this.relay.isUp) await this.relay.stop();
    await this.settle();
  }
}
