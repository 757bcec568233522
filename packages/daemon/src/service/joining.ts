import { type ErrorCode, HoldfastError, type Now } from '@holdfast/protocol';

import type { NodeDatabase } from '../storage/node-database.ts';
import type { Join, Outcome } from '../sync/transport.ts';

/** What joining needs. */
export interface JoiningOptions {
  readonly database: NodeDatabase;
  readonly join: Join;
  readonly now: Now;
  /** The node belongs to a relay now. */
  readonly onEnrolled: () => void;
}

/** Relay codes that are the caller's to mend, passed on as they are. */
const passedOn: ReadonlySet<string> = new Set<ErrorCode>(['join-token-refused', 'node-exists', 'protocol-unsupported']);

/**
 * Enrols the node at a relay. The relay's answer holds the only copy of the credential; it is stored before this
 * resolves. Throws `already-enrolled`, `join-token-refused`, `node-exists`, `relay-unreachable`.
 */
export async function joinRelay(
  options: JoiningOptions,
  { relay, token, name }: { readonly relay: string; readonly token: string; readonly name: string },
): Promise<void> {
  if (options.database.enrolment !== undefined) {
    throw new HoldfastError('already-enrolled', `the node belongs to ${options.database.enrolment.relayUrl}`);
  }
  const outcome = await options.join(relay, token, name);
  if (outcome.kind !== 'done') throw joinFailure(outcome);
  const { node, credential } = outcome.value;
  options.database.enrol({ name: node, relayUrl: relay, credential, joinedAtMs: options.now() });
  options.onEnrolled();
}

function joinFailure(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>): HoldfastError {
  if (outcome.kind === 'mismatch') return new HoldfastError('relay-unreachable', 'the relay answered with a cursor');
  const code = outcome.code;
  if (code !== undefined && passedOn.has(code)) return new HoldfastError(code as ErrorCode, outcome.reason);
  if (code === 'unauthenticated') return new HoldfastError('join-token-refused', 'the relay does not know the token');
  return new HoldfastError('relay-unreachable', outcome.reason);
}
