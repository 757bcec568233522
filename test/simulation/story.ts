import { SHARED_AGENT } from '@holdfast/protocol';

import { AGENTS } from './configuration.ts';
import { Copying } from './copying.ts';
import { type FaultKind, LEAST_FAULTS, PARTING_FAULTS } from './faults.ts';
import { assertCarriedIsThere, countCarriedLosses } from './feed-losses.ts';
import { Locking } from './locking.ts';
import { losableOnNode, loseOnNode, loseOnRelay } from './losses.ts';
import { Messaging } from './messaging.ts';
import type { Weather } from './network.ts';
import { retryLetters } from './operator.ts';
import { Posting } from './posting.ts';
import { Retention } from './retention.ts';
import { Sharing } from './sharing.ts';
import type { NodeLine } from './simulated-node.ts';
import { countLosses } from './survival.ts';
import { textIn } from './values.ts';
import type { World } from './world.ts';
import { Writer } from './writer.ts';

const TEN_YEARS_MS = 315_360_000_000;

/** What calls may meet; one or two of them at a time. */
const troubles: readonly FaultKind[] = [
  'request-lost',
  'answer-lost',
  'request-twice',
  'request-late',
  'body-cut',
  'body-garbled',
  'answer-garbled',
  'server-error',
  'error-after-commit',
];

type Fault = readonly [kind: FaultKind, bringAbout: () => boolean | Promise<boolean>];

/** An older state that can be put back. */
interface Copy {
  readonly directory: string;
  /** The line it is of; undefined: the relay. */
  readonly line: NodeLine | undefined;
}

/** What happens in one world: agents write, things go wrong, operators make it worse. */
export class Story {
  readonly writer: Writer;
  readonly #retention: Retention;
  readonly #sharing: Sharing;
  readonly #posting: Posting;
  readonly #locking: Locking;
  readonly #messaging: Messaging;
  readonly #copying: Copying;
  readonly #world: World;
  #copies: Copy[] = [];

  /** Each fault that is brought about, and how. False: not possible just now. */
  readonly #faults: readonly Fault[];
  readonly #troubles: readonly FaultKind[];
  readonly #allFaults: readonly Fault[] = [
    ['partition', () => this.#cutOff()],
    ['unauthorised', () => this.#shutOut()],
    ['too-large', () => this.#refuseLarge()],
    ['poison', () => this.#poison()],
    ['node-crash', () => this.#crashNode()],
    ['node-crash-in-commit', () => this.#crashInCommit()],
    ['node-restart', () => this.#restartNode()],
    ['node-put-back', () => this.#putNodeBack()],
    ['file-put-back', () => this.#putFileBack()],
    ['node-cloned', () => this.#cloneNode()],
    ['node-clock', () => this.#bendNodeClock()],
    ['node-record-lost', () => this.#loseNodeRecord()],
    ['relay-crash', () => this.#crashRelay()],
    ['relay-crash-in-answer', () => this.#crashRelayInAnswer()],
    ['relay-restart', () => this.#restartRelay()],
    ['relay-put-back', () => this.#putRelayBack()],
    ['relay-clock', () => this.#bendRelayClock()],
    ['relay-record-lost', () => this.#loseRelayRecord()],
  ];

  constructor(world: World) {
    this.#world = world;
    this.writer = new Writer(world);
    this.#retention = new Retention(world);
    this.#sharing = new Sharing(world);
    this.#posting = new Posting(world);
    this.#locking = new Locking(world);
    this.#messaging = new Messaging(world);
    this.#copying = new Copying(world);
    const happens = (kind: FaultKind): boolean => !world.isCalm || !PARTING_FAULTS.has(kind);
    this.#faults = this.#allFaults.filter(([kind]) => happens(kind));
    this.#troubles = troubles.filter(happens);
  }

  /** Goes through it all. */
  async tell(): Promise<void> {
    const { random } = this.#world;
    const steps = random.integer(70, 130);
    const faults = random.integer(9, 16);
    for (let step = 0; step < steps; step += 1) {
      await this.#world.pass(this.#pauseMs());
      await this.#retention.maybe();
      await this.#sharing.maybe();
      this.#posting.maybe();
      this.#locking.maybe();
      this.#messaging.maybe();
      this.#copying.maybe();
      if (random.next() < faults / steps) await this.#goWrong();
      else if (random.next() < 0.06) this.#changeWeather();
      else if (random.next() < 0.08) this.#backUp();
      else if (random.next() < 0.04) await this.#decideLetters();
      else this.#write();
    }
    while (this.#world.faults.total < LEAST_FAULTS) {
      await this.#world.pass(this.#pauseMs());
      this.#write();
      await this.#goWrong();
    }
  }

  #pauseMs(): number {
    const { random } = this.#world;
    const drawn = random.next();
    if (drawn < 0.55) return random.integer(0, 60);
    if (drawn < 0.85) return random.integer(60, 2_000);
    return drawn < 0.97 ? random.integer(2_000, 30_000) : random.integer(30_000, 150_000);
  }

  #write(): void {
    const { random } = this.#world;
    const line = this.#runningLine();
    if (line?.life === undefined) return;
    const drawn = random.next();
    if (drawn < 0.05) this.writer.writeRepeatably(line.life, line);
    else if (drawn < 0.1) this.writer.repeat(line.life, line);
    else this.writer.writeSome(line.life, line);
  }

  async #goWrong(): Promise<void> {
    const { random, faults } = this.#world;
    for (let tries = 0; tries < 20; tries += 1) {
      const [kind, bringAbout] = random.pick(this.#faults);
      if (!(await bringAbout())) continue;
      faults.add(kind);
      return;
    }
  }

  #changeWeather(): void {
    const { random, network } = this.#world;
    const weather: Weather =
      random.next() < 0.25
        ? {}
        : Object.fromEntries(
            Array.from({ length: random.integer(1, 3) }, () => [
              random.pick(this.#troubles),
              random.integer(5, 30) / 100,
            ]),
          );
    network.weather = weather;
    this.#world.note('network', `weather ${Object.keys(weather).join(', ')}`);
  }

  #backUp(): void {
    const { random, lines, relay } = this.#world;
    const line = random.next() < 0.4 ? undefined : random.pick(lines);
    const directory = line === undefined ? relay.backUp() : line.backUp();
    this.#copies.push({ directory, line });
    this.#world.note(line?.label ?? 'relay', 'copied');
  }

  async #decideLetters(): Promise<void> {
    const { random } = this.#world;
    const line = this.#runningLine();
    if (line === undefined) return;
    await retryLetters(this.#world, line, random.next() < 0.3);
    if (!this.#world.relay.isUp) return;
    const { store } = this.#world.relay;
    const [letter] = await store.deadLetters(1);
    if (letter === undefined || random.next() < 0.5) return;
    this.#world.note('relay', 'drops a dead letter');
    await store.dropDeadLetter(letter.id);
  }

  #runningLine(): NodeLine | undefined {
    const running = this.#world.lines.filter(({ life }) => life !== undefined);
    return running.length === 0 ? undefined : this.#world.random.pick(running);
  }

  #cutOff(): boolean {
    const { random, network, time, nodes } = this.#world;
    const node = random.pick(nodes);
    if (network.cutOff.has(node)) return false;
    network.cutOff.add(node);
    this.#world.note(node, 'cut off');
    time.after(random.integer(100, 200_000), () => network.cutOff.delete(node));
    return true;
  }

  #shutOut(): boolean {
    const { random, network, time, nodes } = this.#world;
    const node = random.pick(nodes);
    network.shutOut.set(node, random.pick([401, 403, 404, 426]));
    this.#world.note(node, 'shut out');
    time.after(random.integer(1_000, 300_000), () => network.shutOut.delete(node));
    return true;
  }

  // Counted when a large document is refused, so not here.
  #refuseLarge(): boolean {
    const { random, network, time } = this.#world;
    network.refusesLarge = true;
    time.after(random.integer(1_000, 300_000), () => (network.refusesLarge = false));
    return false;
  }

  #poison(): boolean {
    const line = this.#runningLine();
    if (line?.life === undefined) return false;
    this.writer.writePoison(line.life, line);
    return true;
  }

  #crashNode(): boolean {
    const line = this.#runningLine();
    if (line?.life === undefined) return false;
    // Something may be on its way into the file.
    if (this.#world.random.next() < 0.5) this.writer.writeSome(line.life, line);
    this.#world.crashLine(line);
    return true;
  }

  // Counted when it comes to it.
  #crashInCommit(): boolean {
    const line = this.#runningLine();
    if (line?.life === undefined) return false;
    line.life.atCommit = () => {
      this.#world.faults.add('node-crash-in-commit');
      this.#world.crashLine(line);
    };
    this.writer.writeSome(line.life, line);
    return false;
  }

  async #restartNode(): Promise<boolean> {
    const line = this.#runningLine();
    if (line === undefined) return false;
    await this.#end(line);
    this.#world.startLine(line);
    return true;
  }

  async #putNodeBack(): Promise<boolean> {
    const line = this.#world.onlyLineOf(this.#world.random.pick(this.#world.nodes));
    const copy = line && this.#copyOf(line);
    if (line === undefined || copy === undefined) return false;
    await this.#bringUp();
    await this.#end(line);
    this.#world.note(line.label, 'put back');
    line.putBack(copy.directory);
    this.#world.locks?.forget(line.label);
    this.#world.branch(line.node, copy.directory);
    this.#world.startLine(line);
    await countCarriedLosses(this.#world);
    await countLosses(this.#world, line.node);
    return true;
  }

  async #putFileBack(): Promise<boolean> {
    const line = this.#world.onlyLineOf(this.#world.random.pick(this.#world.nodes));
    const copy = line && this.#copyOf(line);
    if (line === undefined || copy === undefined) return false;
    const agent = this.#world.random.pick(this.#world.shared === undefined ? AGENTS : [...AGENTS, SHARED_AGENT]);
    if (!this.#world.disk.has(copy.directory, agent)) return false;
    await this.#bringUp();
    await this.#end(line);
    this.#world.note(line.label, `file of ${agent} put back`);
    line.putFileBack(copy.directory, agent);
    this.#world.branch(line.node, copy.directory);
    this.#world.startLine(line);
    // As `FileCustody` has it, which is not simulated.
    await line.life?.arrivals.startOver();
    await countCarriedLosses(this.#world);
    await countLosses(this.#world, line.node);
    return true;
  }

  #copyOf(wanted: NodeLine | undefined): Copy | undefined {
    const copies = this.#copies.filter(({ line }) => line === wanted);
    return copies.length === 0 ? undefined : this.#world.random.pick(copies);
  }

  /** Ends a line's process, in good order or not. */
  async #end(line: NodeLine): Promise<void> {
    await this.#world.settle();
    if (line.life === undefined) return;
    if (this.#world.random.next() < 0.5) {
      line.crash();
      await this.#world.settle();
    } else {
      await line.stop();
    }
    this.#world.note(line.label, 'ended');
  }

  async #bringUp(): Promise<void> {
    this.#world.startAll();
    await this.#world.settle();
    await assertCarriedIsThere(this.#world);
  }

  async #cloneNode(): Promise<boolean> {
    const { random, nodes, time } = this.#world;
    const node = random.pick(nodes);
    const line = this.#world.onlyLineOf(node);
    if (line === undefined) return false;
    await this.#world.settle();
    const directory = line.backUp();
    const { life } = line;
    const isSettled = life !== undefined && AGENTS.every((agent) => life.sync.digestState(agent) === 'equal');
    const expectations = line.expectations.fork(isSettled);
    const clone = this.#world.addLine({ node, label: `${line.label}'`, expectations }, directory);
    clone.clockOffsetMs = line.clockOffsetMs;
    this.#world.note(line.label, 'cloned');
    this.#world.cloned.add(node);
    this.#world.branch(node, directory);
    // Sometimes while the other one is away.
    if (random.next() < 0.3 && line.life !== undefined) this.#world.crashLine(line);
    time.after(random.integer(0, 5_000), () => this.#world.startLine(clone));
    return true;
  }

  async #bendNodeClock(): Promise<boolean> {
    // A write has the time of its asking: see `Deletions`.
    await this.#world.settle();
    const line = this.#world.random.pick(this.#world.lines);
    line.clockOffsetMs += this.#leapMs();
    this.#world.note(line.label, `clock off by ${line.clockOffsetMs} ms`);
    return true;
  }

  #bendRelayClock(): boolean {
    this.#world.relay.clockOffsetMs += this.#leapMs();
    this.#world.note('relay', `clock off by ${this.#world.relay.clockOffsetMs} ms`);
    return true;
  }

  #leapMs(): number {
    const { random } = this.#world;
    const most = random.pick([1_000, 90_000, 3_600_000, TEN_YEARS_MS]);
    return random.integer(-most, most);
  }

  async #loseNodeRecord(): Promise<boolean> {
    const { random } = this.#world;
    const line = this.#world.onlyLineOf(random.pick(this.#world.nodes));
    if (line === undefined) return false;
    await this.#bringUp();
    await this.#end(line);
    const agent = random.pick(AGENTS);
    const losable = losableOnNode(line.pathOf(agent));
    const lost = losable.length === 0 ? undefined : random.pick(losable);
    if (lost !== undefined) loseOnNode(line.pathOf(agent), lost);
    this.#world.startLine(line);
    if (lost === undefined) return false;
    this.#world.note(line.label, `lost ${agent} ${lost.id}`);
    await countLosses(this.#world, line.node);
    return true;
  }

  #crashRelay(): boolean {
    if (!this.#world.relay.isUp) return false;
    this.#world.crashRelay();
    return true;
  }

  // Counted when it comes to it.
  #crashRelayInAnswer(): boolean {
    this.#world.network.weather = { 'relay-crash-in-answer': 0.1 };
    return false;
  }

  async #restartRelay(): Promise<boolean> {
    const { relay } = this.#world;
    await this.#world.settle();
    if (!relay.isUp) return false;
    await relay.stop();
    this.#world.startRelay();
    return true;
  }

  async #putRelayBack(): Promise<boolean> {
    const { relay } = this.#world;
    const copy = this.#copyOf(undefined);
    if (copy === undefined) return false;
    await this.#bringUp();
    if (this.#world.random.next() < 0.5) await relay.stop();
    else relay.crash();
    await this.#world.settle();
    // Now and then with all that stands in its directory.
    const keepsFences = relay.timesPutBack % 2 === 0;
    this.#world.note('relay', `put back${keepsFences ? '' : ' with its fences'}`);
    relay.putBack(copy.directory, { keepsFences });
    this.#world.locks?.putBack({ keepsFences });
    this.#world.startRelay();
    await countCarriedLosses(this.#world);
    for (const node of this.#world.nodes) await countLosses(this.#world, node);
    return true;
  }

  async #loseRelayRecord(): Promise<boolean> {
    const { random, relay } = this.#world;
    await this.#bringUp();
    const line = random.pick(this.#world.lines);
    const agent = random.pick(AGENTS);
    const held = await this.#world.onRelay(line.node);
    const kept = [...held].filter(([key, stored]) => key.startsWith(`${agent} `) && stored.expiresAtMs === null);
    if (kept.length === 0) return false;
    const [key, stored] = random.pick(kept);
    if (line.life === undefined) return false;
    // Only what the node holds as well can come back.
    const mine = line.held().get(key);
    if (textIn(mine) !== textIn(stored) || mine?.hash !== stored.hash) return false;
    await relay.stop();
    const isLost = loseOnRelay(relay.databasePath, line.node, agent, {
      ...stored,
      place: 0,
      deleted: Number(stored.deleted),
    });
    this.#world.startRelay();
    if (!isLost) return false;
    this.#world.note('relay', `lost ${line.node} ${key}`);
    await countLosses(this.#world, line.node);
    return true;
  }
}
