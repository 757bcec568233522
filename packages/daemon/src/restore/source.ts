import type { Cursor } from '@holdfast/protocol';
import { HoldfastError } from '@holdfast/protocol';
import { type FileBuilder, pagesOfFile, type RecordRow, removeDatabase } from '@holdfast/store';

import type { RelayAccess, RestoreContext, Work } from './context.ts';
import { askCursor, copyFromRelay, cursorAtRelay } from './relay-copy.ts';

/** What a file is rebuilt from. */
export interface Source {
  /** `relay`, or the backup's id. */
  readonly name: string;
  readonly pages: AsyncIterable<readonly RecordRow[]> | Iterable<readonly RecordRow[]>;
  /** Whether it holds records that it could not give. Once all pages were taken. */
  readonly hasGaps: boolean;
  /** Up to which seq of a stream it is known to have everything that was acknowledged; 0: not known. */
  heldSeq(incarnation: string): Promise<number>;
  /**
   * Once all pages were taken: sees to it that what the relay holds is not sent again, if it can. `isWhole`: every record it
   * gave was taken.
   */
  settle(builder: FileBuilder, base: Cursor, isWhole: boolean): Promise<void>;
  /** Gives up what was opened for it. */
  close(): Promise<void>;
}

/** Opens a source; a backup's file is brought out to `scratchPath`. Throws `not-enrolled` and what bringing it out throws. */
export async function openSource(work: Work, context: RestoreContext, scratchPath: string): Promise<Source> {
  if (work.source.from === 'backup') {
    const { id } = await context.extract(work.agent, work.source.backup, scratchPath);
    return {
      name: id,
      pages: pagesOfFile(scratchPath),
      hasGaps: false,
      // What came after the backup the relay has, and gives when the agent serves again.
      heldSeq: (incarnation) => heldByRelay(work, context, incarnation),
      // Whether the relay has what is in a backup, nobody can say here: all of it is offered, and what it has it knows.
      settle: async () => undefined,
      close: async () => removeDatabase(scratchPath),
    };
  }
  const relay = context.relay();
  if (relay === undefined) throw new HoldfastError('not-enrolled', 'there is no relay to restore from');
  const { agent, signal } = work;
  const { random, timers } = context;
  const asking = { agent, transport: relay.transport, random, timers, signal };
  let leftOut = 0;
  return {
    name: 'relay',
    pages: copyFromRelay(asking, (records) => (leftOut += records)),
    get hasGaps() {
      return leftOut > 0;
    },
    heldSeq: async (incarnation) => (await cursorAtRelay(asking, incarnation)).seq,
    settle: (builder, base, isWhole) =>
      moveCursorOver(builder, base, { agent, relay, signal, context, isWhole: isWhole && leftOut === 0 }),
    close: () => relay.transport.close(),
  };
}

/** Asked once: a backup is there for when there is no relay. */
async function heldByRelay({ agent, signal }: Work, context: RestoreContext, incarnation: string): Promise<number> {
  const relay = context.relay();
  if (relay === undefined) return 0;
  const { transport } = relay;
  try {
    const page = await askCursor({ agent, transport, signal }, incarnation);
    return page.kind === 'done' ? page.value.cursor.seq : 0;
  } finally {
    await transport.close();
  }
}

interface Settling {
  readonly agent: string;
  readonly relay: RelayAccess;
  readonly signal: AbortSignal;
  readonly context: RestoreContext;
  readonly isWhole: boolean;
}

// Should the relay not take the cursor, all is sent again.
async function moveCursorOver(builder: FileBuilder, base: Cursor, settling: Settling): Promise<void> {
  const { agent, relay, signal, context, isWhole } = settling;
  const { transport } = relay;
  if (builder.end.seq > 0 && !(await isCursorMoved(builder, base, settling))) {
    context.log.warn({ agent }, 'what was restored is sent to the relay once more');
    return;
  }
  // What retention removed there is no difference; what is damaged there must stay one.
  const theirs = isWhole ? await transport.digest(agent, signal) : undefined;
  if (theirs?.kind === 'done') builder.countAsRelay(theirs.value.buckets);
}

// A batch of nothing moves the new stream's cursor over what was copied.
async function isCursorMoved(
  builder: FileBuilder,
  base: Cursor,
  { agent, relay: { transport, boot }, signal }: Settling,
): Promise<boolean> {
  const upto = builder.end;
  const batch = await transport.encode(boot, { agent, incarnation: builder.incarnation, base, upto, lines: [] });
  const outcome = await transport.batch(batch, signal);
  if (outcome.kind !== 'done') return false;
  builder.acknowledge(upto);
  return true;
}
