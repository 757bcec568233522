import {
  type BuiltInDocuments,
  HoldfastError,
  type Letter,
  makeRecordId,
  type Now,
  type ReceivedLetter,
} from '@holdfast/protocol';
import { type Idempotency, parseStored, toTimestamp } from '@holdfast/store';

import type { Records, Scope } from '../records.ts';
import { jsonOf, keyedBy, peerOf, type Reach, type Visitor } from './peer.ts';

const COLLECTION = 'mail';

type StoredLetter = BuiltInDocuments['mail'];

/** What the post needs. */
export interface PostOptions {
  readonly records: Pick<Records, 'page' | 'transact'>;
  readonly reach: Reach;
  readonly now: Now;
}

/** What is in a letter. */
export interface Content extends Omit<Letter, 'to'> {
  readonly idempotency?: Idempotency | undefined;
}

/** A letter that was put into an inbox. */
export type Delivered = { readonly id: string; readonly to: string; readonly sent_at: string };

/** Letters between agents: each stands in the file of the agent it is to. */
export class Post {
  readonly #options: PostOptions;

  constructor(options: PostOptions) {
    this.#options = options;
  }

  /**
   * Sends a letter of an agent of this node: into the file of one beside it, or through the relay. Throws `agent-not-found`, what
   * `Records.transact` and `Reach.call` throw.
   */
  async send(sender: Scope, to: string, content: Content, signal: AbortSignal): Promise<Delivered> {
    const { reach } = this.#options;
    const { agent, node } = peerOf(to, reach);
    if (node === null) return this.#deliver(sender.agent, { agent, resource: sender.resource }, content);
    const body = jsonOf({ ...content, agent });
    const delivered = (await reach.call({ ...sender, node, call: 'mail.send', body }, signal)) as Delivered;
    return { ...delivered, to };
  }

  /** Puts a letter of a visitor into the inbox of an agent of this node. Throws as `send`. */
  deliverFor(visitor: Visitor, agent: string, content: Content): Promise<Delivered> {
    return this.#deliver(`${visitor.agent}@${visitor.node}`, { agent, resource: visitor.resource }, content);
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
    const page = this.#options.records.page(scope, COLLECTION, query);
    return { letters: page.records.map(({ id, doc }) => received(id, doc as StoredLetter)), next: page.next };
  }

  /** Marks a letter as read, the first time. Throws `record-not-found` and what `Records.transact` throws. */
  read(scope: Scope, id: string): Promise<ReceivedLetter> {
    const { now } = this.#options;
    return this.#options.records.transact(scope, (records) => {
      const stored = records.read(COLLECTION, id);
      if (stored === undefined) throw new HoldfastError('record-not-found', `there is no letter "${id}"`);
      const letter = parseStored(stored.text) as StoredLetter;
      if (letter.status === 'read') return received(id, letter);
      const after: StoredLetter = { ...letter, status: 'read', read_at: toTimestamp(now()) };
      records.put(COLLECTION, id, after);
      return received(id, after);
    });
  }

  async #deliver(from: string, to: Scope, content: Content): Promise<Delivered> {
    const { reach, now } = this.#options;
    reach.agents.assertExists(to.agent);
    const { subject, body, reply_to: replyTo, idempotency } = content;
    return this.#options.records.transact(
      to,
      (records) => {
        const id = makeRecordId();
        const letter: StoredLetter = {
          from,
          to: to.agent,
          ...(subject !== undefined && { subject }),
          body,
          ...(replyTo !== undefined && { reply_to: replyTo }),
          sent_at: toTimestamp(now()),
          status: 'unread',
        };
        records.put(COLLECTION, id, letter);
        return { id, to: to.agent, sent_at: letter.sent_at };
      },
      keyedBy(from, idempotency),
    );
  }
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
