import {
  documentOf,
  HoldfastError,
  isHoldfastError,
  type Letter,
  makeRecordId,
  type Now,
  type ReceivedLetter,
  type SentLetter,
} from '@holdfast/protocol';
import { type Idempotency, parseStored, toTimestamp } from '@holdfast/store';

import type { Records, Scope } from '../records.ts';
import { LETTERS, MAIL, mailOf, sentOf, type StoredLetter } from './letter.ts';
import { keyedBy, peerOf, type Reach } from './peer.ts';

/** How long the other node is asked whether it has the agent. The letter goes anyway. */
const ASK_SECONDS = 2;

/** What the other node, or the relay for it, says of a letter that can never arrive. */
const UNDELIVERABLE: ReadonlySet<string> = new Set(['agent-not-found', 'node-not-found']);

/** What the post needs. */
export interface PostOptions {
  readonly records: Pick<Records, 'page' | 'transact'>;
  readonly reach: Reach;
  readonly now: Now;
  /** Makes a letter's id; injected so that tests can foretell it. Default: `makeRecordId`. */
  readonly makeId?: () => string;
}

/** What is in a letter. */
export interface Content extends Omit<Letter, 'to'> {
  readonly idempotency?: Idempotency | undefined;
}

/**
 * Letters between agents: each stands in the mail of the agent it is to. One to an agent of another node is a record of its sender
 * first, and comes to that node by the relay's feed.
 */
export class Post {
  readonly #options: PostOptions;

  constructor(options: PostOptions) {
    this.#options = options;
  }

  /**
   * Sends a letter of an agent of this node; resolves once it is on disk, in the mail of an agent beside it, or on its way to one of
   * another node, whether that can be reached or not. Throws `agent-not-found` and `node-not-found` when that is known, `not-enrolled`
   * for another node while this one has no relay, what `Records.transact` throws.
   */
  async send(sender: Scope, to: string, content: Content, signal: AbortSignal): Promise<SentLetter> {
    const { reach } = this.#options;
    const { agent, node } = peerOf(to, reach);
    if (node === null) return this.#deliver(sender.agent, { agent, resource: sender.resource }, content);
    const thisNode = reach.thisNode();
    if (thisNode === null)
      throw new HoldfastError('not-enrolled', 'the node has no relay, and so reaches no other node');
    assertDeliverable(content, { from: `${sender.agent}@${thisNode}`, to: agent });
    await this.#assertKnown(sender, { agent, node }, signal);
    return this.#dispatch(sender, to, content);
  }

  /** Throws `agent-not-found` for an agent that a letter cannot be to. */
  assertAddress(agent: string): void {
    this.#options.reach.agents.assertExists(agent);
  }

  /** A page of an agent's letters, oldest first. Throws `invalid-request` for a token of another page. */
  inbox(
    scope: Scope,
    { status, limit, after }: { status?: string | undefined; limit?: number | undefined; after?: string | undefined },
  ): { letters: ReceivedLetter[]; next: string | null } {
    const query = {
      where: { ...(status !== undefined && { status }) },
      orderBy: [{ sent_at: 'asc' as const }],
      ...(limit !== undefined && { limit }),
      ...(after !== undefined && { after }),
    };
    const page = this.#options.records.page(scope, MAIL, query);
    return { letters: page.records.map(({ id, doc }) => received(id, doc as StoredLetter)), next: page.next };
  }

  /** Marks a letter as read, the first time. Throws `record-not-found` and what `Records.transact` throws. */
  read(scope: Scope, id: string): Promise<ReceivedLetter> {
    const { now } = this.#options;
    return this.#options.records.transact(scope, (records) => {
      const stored = records.read(MAIL, id);
      if (stored === undefined) throw new HoldfastError('record-not-found', `there is no letter "${id}"`);
      const letter = parseStored(stored.text) as StoredLetter;
      if (letter.status === 'read') return received(id, letter);
      const after: StoredLetter = { ...letter, status: 'read', read_at: toTimestamp(now()) };
      records.put(MAIL, id, after);
      return received(id, after);
    });
  }

  async #deliver(from: string, to: Scope, content: Content): Promise<SentLetter> {
    const { reach, now, makeId = makeRecordId } = this.#options;
    reach.agents.assertExists(to.agent);
    return this.#options.records.transact(
      to,
      (records) => {
        const [id, sentAt] = [makeId(), toTimestamp(now())];
        records.put(MAIL, id, mailOf({ ...content, sent_at: sentAt }, { from, to: to.agent }));
        return { id, to: to.agent, sent_at: sentAt, state: 'delivered' };
      },
      keyedBy(from, content.idempotency),
    );
  }

  #dispatch(sender: Scope, to: string, content: Content): Promise<SentLetter> {
    const { now, makeId = makeRecordId } = this.#options;
    return this.#options.records.transact(
      sender,
      (records) => {
        const [id, sentAt] = [makeId(), toTimestamp(now())];
        records.put(LETTERS, id, sentOf({ ...content, sent_at: sentAt }, to));
        return { id, to, sent_at: sentAt, state: 'on-its-way' };
      },
      content.idempotency,
    );
  }

  // A name that is wrong is told at once, as far as anybody can say: a node that cannot be asked gets the letter later.
  async #assertKnown(
    sender: Scope,
    { agent, node }: { agent: string; node: string },
    signal: AbortSignal,
  ): Promise<void> {
    const asked = { ...sender, node, call: 'mail.address', body: { agent }, timeoutSeconds: ASK_SECONDS } as const;
    try {
      await this.#options.reach.call(asked, signal);
    } catch (error) {
      if (!isHoldfastError(error) || UNDELIVERABLE.has(error.code)) throw error;
    }
  }
}

// As it is to stand in the mail it has its sender's name with it: what fits here must fit there.
function assertDeliverable(content: Content, ends: Pick<StoredLetter, 'from' | 'to'>): void {
  const letter = mailOf({ ...content, sent_at: toTimestamp(0) }, ends);
  documentOf(letter, JSON.stringify(letter));
}

function received(id: string, letter: StoredLetter): ReceivedLetter {
  return {
    id,
    from: letter.from,
    to: letter.to,
    subject: letter.subject ?? null,
    body: (letter.body ?? null) as ReceivedLetter['body'],
    reply_to: letter.reply_to ?? null,
    sent_at: letter.sent_at,
    read_at: letter.read_at ?? null,
  };
}
