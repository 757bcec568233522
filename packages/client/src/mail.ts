import type { ReceivedLetter } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes } from './calls.ts';
import { eachItem } from './each-item.ts';
import { randomKey } from './random-key.ts';

/** A letter to be sent. */
export interface NewLetter {
  /** An agent of this node, or agent@node. */
  readonly to: string;
  readonly subject?: string | undefined;
  /** Anything JSON can hold. */
  readonly body: unknown;
  /** Id of the letter it answers. */
  readonly replyTo?: string | undefined;
}

/** Which letters to list. */
export interface InboxOptions {
  /** Default both. */
  readonly status?: 'unread' | 'read' | undefined;
  /** The size of a page, not of the whole. */
  readonly limit?: number | undefined;
}

/** Letters between agents. */
export interface MailClient {
  /**
   * Sends a letter, once, also when an answer is lost and it is sent again under its key. To an agent of this node it is in the inbox
   * then; to one of another node it is safe here, and gets there as soon as both nodes are connected, within 30 days.
   */
  send(
    letter: NewLetter,
    options?: { readonly idempotencyKey?: string | undefined },
  ): Promise<AnswerOf<DaemonRoutes['mail.send']>>;
  /** Letters to this agent, oldest first, page by page. */
  inbox(options?: InboxOptions): AsyncIterable<ReceivedLetter>;
  /** Marks a letter as read. */
  read(id: string): Promise<ReceivedLetter>;
}

/** Opens the agent's mail. Nothing is sent. */
export function openMail(call: Caller<DaemonRoutes>): MailClient {
  return {
    send: async ({ replyTo, body, ...letter }, { idempotencyKey = randomKey() } = {}) => {
      const sent = { ...letter, body: body as never, reply_to: replyTo };
      return (await call('mail.send', { body: sent }, { idempotencyKey })).value;
    },
    inbox: (options) => eachLetter(call, options ?? {}),
    read: async (id) => (await call('mail.read', { params: { id } }, { repeat: 'same' })).value,
  };
}

function eachLetter(call: Caller<DaemonRoutes>, options: InboxOptions): AsyncGenerator<ReceivedLetter> {
  return eachItem(async (after) => {
    const { letters: items, next } = (await call('mail.inbox', { query: { ...options, after } })).value;
    return { items, next };
  });
}
