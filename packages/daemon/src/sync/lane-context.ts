import type { Reject } from '@holdfast/protocol';
import type { AgentStore } from '@holdfast/store';

import type { Notice } from './notices.ts';
import type { Timers } from './timers.ts';
import type { LinkFailure, Outcome, Transport } from './transport.ts';

/** What the lanes of a node share. */
export interface LaneContext {
  readonly boot: string;
  readonly lingerMs: number;
  /** A number above all it gave before: tells which of two things happened first, whatever the clock does. */
  readonly moment: () => number;
  readonly random: () => number;
  readonly timers: Timers;
  readonly transport: () => Transport | undefined;
  /** The agent's store, to be used at once. */
  readonly store: (agent: string) => AgentStore;
  /** Runs a call to the relay when its turn comes; turns are given round-robin over the lanes. */
  readonly takeTurn: (call: () => Promise<void>) => void;
  /** Tells the link what came of a call; true when it is the link's matter. */
  readonly report: (outcome: Outcome<unknown>) => outcome is LinkFailure;
  /** The relay took a batch: how many changes, and which of them it rejected. */
  readonly onTaken: (agent: string, changes: number, rejects: readonly Reject[]) => void;
  /** The file has all that the relay has of its agent, as it did not before (`Lane.isSettled`). */
  readonly onSettled: () => void;
  /** Something happened that must not pass in silence. */
  readonly onNotice: (agent: string, notice: Notice) => void;
  /** Something went wrong that nobody waits for; the lane tries again. */
  readonly onError: (agent: string, error: unknown) => void;
}
