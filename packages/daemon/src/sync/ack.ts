import type { AgentStore, WrittenRange } from '@holdfast/store';

import type { LaneContext } from './lane-context.ts';

/** How far a write has come. */
export type Ack = 'local' | 'relay';

/** Whether the relay took a write already: so it is when a request is repeated under its idempotency key. */
export function wasTaken({ counters, outbox }: AgentStore, written: WrittenRange): boolean {
  if (counters.acked.seq < written.last) return false;
  // What was written over or moved since is where its latest version is.
  if (outbox.stands(written)) return !outbox.hasDeadLetter(written);
  return counters.outbox === 0 && !outbox.hasDeadLetter({ first: written.first, last: counters.lastSeq });
}

/**
 * Sends a single change by the fast lane, past a long batch; settles only if the relay answered. Undefined: it is no single
 * change, or has changed again since.
 */
export function sendImmediately(
  agent: string,
  written: WrittenRange,
  { boot, store, transport, report }: Pick<LaneContext, 'boot' | 'store' | 'transport' | 'report'>,
): Promise<Ack> | undefined {
  const { incarnation, outbox } = store(agent);
  const isSingle = written.first === written.last;
  const line = isSingle && outbox.stands(written) ? outbox.line(written.last) : undefined;
  if (line === undefined) return undefined;
  const never = new Promise<Ack>(() => undefined);
  const sent = transport()?.immediate({ boot, agent, incarnation }, line);
  return sent?.then((outcome): Ack | Promise<Ack> => {
    report(outcome);
    if (outcome.kind !== 'done') return never;
    return outcome.value.rejects.length === 0 ? 'relay' : 'local';
  });
}
