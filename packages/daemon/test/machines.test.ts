import fc from 'fast-check';
import { testSeed } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { retryDelayMs } from '../src/sync/backoff.ts';
import { type LinkEffect, type LinkEvent, type LinkState, linkTransitions } from '../src/sync/link-machine.ts';
import type { TransitionTable } from '../src/sync/machine.ts';
import {
  type StreamEffect,
  type StreamEvent,
  type StreamState,
  streamTransitions,
} from '../src/sync/stream-machine.ts';

// Total by type: a state, event or effect that is missing or too much here does not compile.
const streamEvents = Object.keys({
  released: 0,
  'held-back': 0,
  written: 0,
  hurried: 0,
  timer: 0,
  drained: 0,
  more: 0,
  failed: 0,
  'too-large': 0,
  mismatch: 0,
  different: 0,
} satisfies Record<StreamEvent, 0>) as StreamEvent[];
const linkEvents = Object.keys({
  enrolled: 0,
  opened: 0,
  lost: 0,
  refused: 0,
  superseded: 0,
  timer: 0,
} satisfies Record<LinkEvent, 0>) as LinkEvent[];
const streamEffects = Object.keys({
  'arm-linger': 0,
  'arm-retry': 0,
  disarm: 0,
  send: 0,
  shrink: 0,
  reconcile: 0,
  repair: 0,
  abort: 0,
} satisfies Record<StreamEffect, 0>);
const linkEffects = Object.keys({
  'open-session': 0,
  'release-streams': 0,
  'hold-streams': 0,
  'arm-heartbeat': 0,
  'arm-retry': 0,
  'arm-slow-retry': 0,
  alarm: 0,
} satisfies Record<LinkEffect, 0>);

/** What a table is made of: the states it can reach, those it has, the events each answers, the effects it asks for. */
function surveyOf<State extends string, Event extends string, Effect extends string>(
  table: TransitionTable<State, Event, Effect>,
  start: State,
): Record<'reached' | 'states' | 'effects', string[]> & { readonly events: string[][] } {
  const states = Object.keys(table) as State[];
  const eventsOf = (state: State): Event[] => Object.keys(table[state]) as Event[];
  const reached = new Set<State>([start]);
  for (const state of reached) for (const event of eventsOf(state)) reached.add(table[state][event].to);
  const effects = states.flatMap((state) => eventsOf(state).flatMap((event) => table[state][event].effects));
  return {
    reached: byName(reached),
    states: byName(states),
    effects: byName(new Set(effects)),
    events: states.map((state) => byName(eventsOf(state))),
  };
}

function byName(names: Iterable<string>): string[] {
  return [...names].toSorted((one, other) => (one < other ? -1 : 1));
}

describe('the tables', () => {
  test("a stream's answers every event in every state, reaches every state and uses every effect", () => {
    const { reached, states, effects, events } = surveyOf(streamTransitions, 'held');
    expect(reached).toEqual(states);
    expect(effects).toEqual(byName(streamEffects));
    for (const answered of events) expect(answered).toEqual(byName(streamEvents));
  });

  test("the link's answers every event in every state, reaches every state and uses every effect", () => {
    const { reached, states, effects, events } = surveyOf(linkTransitions, 'off');
    expect(reached).toEqual(states);
    expect(effects).toEqual(byName(linkEffects));
    for (const answered of events) expect(answered).toEqual(byName(linkEvents));
  });

  test('being held back leads to held from everywhere, and nothing sends from there but what a session says', () => {
    for (const state of Object.keys(streamTransitions) as StreamState[]) {
      expect(streamTransitions[state]['held-back'].to).toBe('held');
    }
    const said: StreamEvent[] = ['released', 'mismatch', 'different'];
    for (const event of streamEvents.filter((each) => !said.includes(each))) {
      expect(streamTransitions.held[event]).toEqual({ to: 'held', effects: [] });
    }
  });
});

/** What can happen around a stream. Calls end only when one is under way, timers go off only when armed. */
type Step =
  | 'write'
  | 'hurry'
  | 'timer'
  | 'open'
  | 'close'
  | 'elsewhere'
  | 'session-differs'
  | 'takes'
  | 'batch-differs'
  | 'fails'
  | 'too-large'
  | 'mismatch';
const steps: Step[] = [
  'write',
  'hurry',
  'timer',
  'open',
  'close',
  'elsewhere',
  'session-differs',
  'takes',
  'batch-differs',
  'fails',
  'too-large',
  'mismatch',
];

/** The driver's part of a stream, without I/O. Throws when the machine asks for what must never happen. */
class StreamModel {
  state: StreamState = 'held';
  unsent = 0;
  inFlight = 0;
  isArmed = false;
  isOpen = false;

  step(step: Step): void {
    const isCall = this.inFlight > 0;
    switch (step) {
      case 'write':
        this.unsent += 1;
        return this.tell('written');
      case 'hurry':
        return this.tell('hurried');
      case 'timer':
        if (!this.isArmed) return;
        this.isArmed = false;
        return this.tell('timer');
      case 'open':
        this.isOpen = true;
        return this.tell('released');
      case 'close':
        this.isOpen = false;
        return this.tell('held-back');
      case 'elsewhere':
        if (this.isOpen && !isCall) this.tell('mismatch');
        return;
      case 'session-differs':
        if (this.isOpen && (this.state === 'held' || this.state === 'clean')) this.tell('different');
        return;
      case 'batch-differs':
        if (isCall && this.state === 'sending') this.end('different');
        return;
      case 'takes':
        return this.takes();
      case 'fails':
        if (isCall) this.end('failed');
        return;
      case 'too-large':
      case 'mismatch':
        if (isCall) this.end(step);
    }
  }

  tell(event: StreamEvent): void {
    const { to, effects } = streamTransitions[this.state][event];
    this.state = to;
    for (const effect of effects) this.#do(effect);
    if (this.inFlight > 1) throw new Error('two calls without an answer');
    const mayWait = to === 'lingering' || to === 'waiting';
    if (this.isArmed !== mayWait) throw new Error(`a timer is ${this.isArmed ? '' : 'not '}armed while ${to}`);
    const mayCall = to === 'sending' || to === 'reconciling' || to === 'comparing';
    if (this.inFlight > 0 !== mayCall) throw new Error(`${this.inFlight} calls are under way while ${to}`);
    if (!this.isOpen && event === 'held-back' && to !== 'held') throw new Error('not held back');
  }

  takes(): void {
    if (this.inFlight === 0) return;
    const isSend = this.state === 'sending';
    if (isSend) this.unsent = Math.max(0, this.unsent - 2);
    this.end(this.unsent > 0 ? 'more' : 'drained');
  }

  end(event: StreamEvent): void {
    this.inFlight -= 1;
    this.tell(event);
  }

  #do(effect: StreamEffect): void {
    if (effect === 'send' || effect === 'reconcile' || effect === 'repair') this.inFlight += 1;
    if (effect === 'abort') this.inFlight = 0;
    if (effect === 'arm-linger' || effect === 'arm-retry') this.isArmed = true;
    if (effect === 'disarm') this.isArmed = false;
  }
}

describe('a stream, whatever happens in whatever order', () => {
  const runs = fc.array(fc.constantFrom(...steps), { maxLength: 60 });

  test('never has two calls under way, and a timer exactly while it waits', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const model = new StreamModel();
        for (const step of run) model.step(step);
      }),
      { seed: testSeed(), numRuns: 3000 },
    );
  });

  test('sends everything once the link is open and calls succeed, without any further write', () => {
    fc.assert(
      fc.property(runs, (run) => {
        const model = new StreamModel();
        for (const step of run) model.step(step);
        model.step('open');
        for (let rounds = 0; rounds < 200 && (model.isArmed || model.inFlight > 0); rounds += 1) {
          model.step(model.isArmed ? 'timer' : 'takes');
        }
        expect({ state: model.state, unsent: model.unsent }).toEqual({ state: 'clean', unsent: 0 });
      }),
      { seed: testSeed(), numRuns: 3000 },
    );
  });

  test('is released and held back again and again without a trace', () => {
    const model = new StreamModel();
    for (let round = 0; round < 10; round += 1) {
      model.step('open');
      model.step('write');
      model.step('close');
    }
    expect({ state: model.state, calls: model.inFlight, armed: model.isArmed }).toEqual({
      state: 'held',
      calls: 0,
      armed: false,
    });
  });
});

describe('the link, whatever happens in whatever order', () => {
  type Answer = Extract<LinkEvent, 'opened' | 'lost' | 'refused' | 'superseded'>;
  // Any call of a stream may also tell that the link is lost, refused or superseded, at any time.
  const happenings = fc.array(
    fc.constantFrom<Answer | 'timer' | 'asked'>('opened', 'lost', 'refused', 'superseded', 'timer', 'asked'),
    {
      maxLength: 60,
    },
  );

  interface Run {
    state: LinkState;
    calls: number;
    armed: boolean;
    released: boolean;
    alarms: number;
  }

  function tell(run: Run, event: LinkEvent): void {
    const { to, effects } = linkTransitions[run.state][event];
    run.state = to;
    for (const effect of effects) {
      if (effect === 'open-session') run.calls += 1;
      if (effect === 'arm-heartbeat' || effect === 'arm-retry' || effect === 'arm-slow-retry') run.armed = true;
      if (effect === 'release-streams') run.released = true;
      if (effect === 'hold-streams') run.released = false;
      if (effect === 'alarm') run.alarms += 1;
    }
  }

  function play(run: Run, happening: Answer | 'timer' | 'asked'): void {
    if (happening === 'timer') {
      if (!run.armed) return;
      run.armed = false;
      return tell(run, 'timer');
    }
    if (happening === 'asked') {
      // The session's own call ends well.
      if (run.calls === 0) return;
      run.calls -= 1;
      return tell(run, 'opened');
    }
    if (happening === 'opened') return;
    tell(run, happening);
  }

  test('streams are released exactly while it is open, and it never comes to rest without being open', () => {
    fc.assert(
      fc.property(happenings, (all) => {
        const run: Run = { state: 'off', calls: 0, armed: false, released: false, alarms: 0 };
        tell(run, 'enrolled');
        for (const happening of all) {
          play(run, happening);
          expect(run.released).toBe(run.state === 'open');
          expect(run.armed || run.calls > 0).toBe(true);
        }
        for (let rounds = 0; rounds < 10 && run.state !== 'open'; rounds += 1) {
          play(run, run.armed ? 'timer' : 'asked');
        }
        expect(run.state).toBe('open');
      }),
      { seed: testSeed(), numRuns: 3000 },
    );
  });
});

describe('the wait before the next try', () => {
  test('lies anywhere from nothing to a ceiling that doubles from 250 ms to 60 s', () => {
    const ceilings = [250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000];
    for (const [index, ceiling] of ceilings.entries()) {
      expect(retryDelayMs(index + 1, () => 0)).toBe(0);
      expect(retryDelayMs(index + 1, () => 0.5)).toBe(ceiling / 2);
      expect(retryDelayMs(index + 1, () => 1 - Number.EPSILON)).toBe(ceiling);
    }
  });

  test('never overflows, and never cuts short what the relay asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(600_000),
        (failures, random, asked) => {
          const delay = retryDelayMs(failures, () => random, asked);
          expect(delay).toBeGreaterThanOrEqual(asked);
          expect(delay).toBeLessThanOrEqual(asked + 60_000);
          expect(Number.isInteger(delay)).toBe(true);
        },
      ),
      { seed: testSeed() },
    );
  });
});
