import { randomBytes } from 'node:crypto';

import { type ErrorCode, HoldfastError, type HybridClock, type Now, startOfBoot } from '@holdfast/protocol';
import type PQueue from 'p-queue';

import type { Enrolment, NodeDatabase } from '../storage/node-database.ts';
import type { Join, Outcome } from '../sync/transport.ts';

/** What joining needs. */
export interface JoiningOptions {
  readonly database: NodeDatabase;
  readonly join: Join;
  readonly now: Now;
  readonly clock: HybridClock;
  /** Gives one join after the other its turn: two at once would use up two tokens for one node. */
  readonly turns: PQueue;
  /** Agents whose files are damaged or being restored. */
  readonly unserved: () => readonly string[];
  /** The node belongs to a relay now. */
  readonly onEnrolled: () => void;
  /** The node is another one now, and `boot` speaks for it. */
  readonly onReidentified: (boot: string) => Promise<void>;
}

/** Which relay to join, with which token, as whom. */
export interface JoinTarget {
  readonly relay: string;
  readonly token: string;
  readonly name: string;
  /** The node takes over one whose machine is gone: see `NodeDatabase.enrol`. */
  readonly isAdopting?: boolean;
}

/** Relay codes that are the caller's to mend, passed on as they are. */
const passedOn: ReadonlySet<string> = new Set<ErrorCode>(['join-token-refused', 'node-exists', 'protocol-unsupported']);

/**
 * Enrols the node at a relay. The relay's answer holds the only copy of the credential; it is stored before this
 * resolves. A node that is to take over one of its own name may be enrolled: it joined with the token meant for that, and
 * was given nothing. Throws `already-enrolled`, `join-token-refused`, `node-exists`, `relay-unreachable`.
 */
export function joinRelay(options: JoiningOptions, target: JoinTarget): Promise<void> {
  return options.turns.add(async () => {
    const { database, clock, onEnrolled, onReidentified } = options;
    const { name, isAdopting = false } = target;
    const before = database.enrolment;
    if (before !== undefined && !(isAdopting && before.name === name)) {
      throw new HoldfastError('already-enrolled', `the node is ${before.name} and belongs to ${before.relayUrl}`);
    }
    const enrolment = await joined(options, target);
    if (before === undefined) {
      database.enrol(enrolment, isAdopting);
      return onEnrolled();
    }
    const boot = randomBytes(16).toString('hex');
    database.enrolAgain(enrolment, boot);
    clock.changeStart(startOfBoot(boot));
    return onReidentified(boot);
  });
}

/**
 * Makes an enrolled node another one, under a new name: what a copy of a node needs (protocol rule 7). Its agents, their
 * tokens and their records stay, and go to the relay anew as the new node's; it serves them all the while.
 *
 * First the relay takes the new name in, then node.db changes in one transaction, in the same turn of the loop as the
 * clock: no version of the old start is made after that, none of the new one before. A crash between the two leaves
 * the node what it was, and a name at the relay that nobody bears: `holdfast invite NAME --replaces` makes a token to try
 * again with. A crash after the transaction leaves nothing to do: the next start is the new node's.
 *
 * Throws `not-enrolled`, `join-token-refused`, `node-exists`, `relay-unreachable`; `file-damaged` while a file is to be
 * restored and `work-under-way` while a node is taken over, as what the relay has of them stands under the old name.
 */
export function reidentify(
  options: JoiningOptions,
  { relay, token, name }: Omit<JoinTarget, 'relay' | 'isAdopting'> & { readonly relay?: string | undefined },
): Promise<Enrolment> {
  return options.turns.add(async () => {
    const { database, clock, onReidentified } = options;
    const before = database.enrolment;
    if (before === undefined) throw new HoldfastError('not-enrolled', 'the node has no relay: join one');
    assertAllServe(options);
    const enrolment = await joined(options, { relay: relay ?? before.relayUrl, token, name });
    // A restore may have begun meanwhile.
    assertAllServe(options);
    const suffix = randomBytes(4).toString('hex');
    const boot = randomBytes(16).toString('hex');
    database.reidentify(enrolment, suffix, boot);
    clock.changeStart(startOfBoot(boot));
    await onReidentified(boot);
    return enrolment;
  });
}

function assertAllServe({ database, unserved }: JoiningOptions): void {
  if (database.isAdopting) {
    throw new HoldfastError('work-under-way', 'the agents of the node that is taken over are not known yet');
  }
  const agents = unserved();
  if (agents.length === 0) return;
  throw new HoldfastError(
    'file-damaged',
    `restore ${agents.join(', ')} first: the relay keeps them under the old name`,
  );
}

async function joined({ join, now }: JoiningOptions, { relay, token, name }: JoinTarget): Promise<Enrolment> {
  const outcome = await join(relay, token, name);
  if (outcome.kind !== 'done') throw joinFailure(outcome);
  const { node, credential } = outcome.value;
  return { name: node, relayUrl: relay, credential, joinedAtMs: now() };
}

function joinFailure(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>): HoldfastError {
  if (outcome.kind === 'mismatch') return new HoldfastError('relay-unreachable', 'the relay answered with a cursor');
  const code = outcome.code;
  if (code !== undefined && passedOn.has(code)) return new HoldfastError(code as ErrorCode, outcome.reason);
  if (code === 'unauthenticated') return new HoldfastError('join-token-refused', 'the relay does not know the token');
  return new HoldfastError('relay-unreachable', outcome.reason);
}
