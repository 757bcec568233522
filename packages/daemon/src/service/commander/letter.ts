import type { BuiltInDocuments } from '@holdfast/protocol';

/** Where an agent's letters are that came to it. */
export const MAIL = 'mail';
/** Where an agent's letters are that it sent to agents of other nodes. */
export const LETTERS = 'letters';

/** A letter in the mail of the agent it is to. */
export type StoredLetter = BuiltInDocuments['mail'];

/** A letter that was sent. */
export type SentDocument = BuiltInDocuments['letters'];

/** What is in a letter, wherever it stands. */
export interface LetterContent {
  readonly subject?: string | null | undefined;
  readonly body?: SentDocument['body'] | undefined;
  readonly reply_to?: string | null | undefined;
  readonly sent_at: string;
}

/** A letter as it arrives: unread. `from`: who sent it, as the agent it is to may name it. */
export function mailOf(content: LetterContent, { from, to }: Pick<StoredLetter, 'from' | 'to'>): StoredLetter {
  return { from, to, ...given(content), status: 'unread' };
}

/** A letter as it stands with its sender. */
export function sentOf(content: LetterContent, to: string): SentDocument {
  return { to, ...given(content) };
}

function given({ subject, body, reply_to: replyTo, sent_at }: LetterContent): Omit<SentDocument, 'to'> {
  return {
    ...(typeof subject === 'string' && { subject }),
    ...(body !== undefined && { body }),
    ...(typeof replyTo === 'string' && { reply_to: replyTo }),
    sent_at,
  };
}
