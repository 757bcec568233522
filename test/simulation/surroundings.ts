import type { Notice, RelayExchange } from '@holdfast/daemon/parts';
import type { SeededRandom } from '@holdfast/testkit';
import type { Logger } from 'pino';

import type { FaultCounts } from './faults.ts';
import type { OperationCounts } from './operations.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Who calls the relay: one life of one node. */
export interface Calling {
  readonly node: string;
  /** Its process has ended: no answer reaches it. */
  readonly isDead: boolean;
}

/** What the parts of a world need of the world around them. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly faults: FaultCounts;
  readonly operations: OperationCounts;
  /** Notes an event. */
  note(who: string, what: string): void;
  /** Notes that a promise was broken. */
  violated(what: string): void;
  /** Something was noticed about a stream. */
  noticed(notice: Notice): void;
  /** What fails here without anybody waiting is a bug. */
  watch(running: Promise<unknown>): void;
  /** Does something when nothing of this moment runs any more. */
  later(run: () => void | Promise<void>): void;
  /** Makes an id that nothing else in this world has. */
  makeId(): string;
  /** A logger whose warnings and errors are events. */
  logOf(who: string): Logger;
  /** What one life of a node reaches the relay by. */
  exchangeFor(from: Calling): RelayExchange;
  /** Ends the relay as a power cut would. It comes back by itself. */
  crashRelay(): void;
}
