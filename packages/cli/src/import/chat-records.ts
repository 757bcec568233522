import { documentOf, HoldfastError, isRecordId, type Json, type JsonObject } from '@holdfast/protocol';

import type { Conversation, NumberedMessage, Rejection } from './conversations.ts';
import type { Place } from './entries.ts';

const TITLE_LENGTH = 80;
const LONGEST_DETAIL = 200;
const INDEX_DIGITS = 6;

/** A record to be written, and where in the file it comes from. */
export interface ChatRecord {
  readonly collection: 'threads' | 'messages';
  readonly id: string;
  readonly doc: Json;
  /** The document as it is stored, for comparing. */
  readonly text: string;
  readonly place: Place & { readonly message?: number };
}

/** The file a conversation is from. */
export interface ChatSource {
  /** Begins the ids of conversations that have none of their own; the file's name without its ending. */
  readonly prefix: string;
  /** The file's name, kept in each thread. */
  readonly file: string;
}

/**
 * The records of a conversation: its thread, then its messages in order. Ids depend on nothing but the file, so that
 * importing it again meets the same records. Documents that cannot be kept exactly become rejections.
 */
export function chatRecords(
  conversation: Conversation,
  source: ChatSource,
): { readonly records: readonly ChatRecord[]; readonly rejections: readonly Rejection[] } {
  const thread = threadId(conversation, source);
  const { place } = conversation;
  if (!isRecordId(messageId(thread, 0))) {
    return { records: [], rejections: [{ ...place, reason: 'its id cannot be a record id' }] };
  }
  const rejections: Rejection[] = [];
  const messages: ChatRecord[] = [];
  for (const message of conversation.messages) {
    const made = messageRecord(thread, message, place);
    if ('reason' in made) rejections.push(made);
    else messages.push(made);
  }
  if (messages.length === 0) return { records: [], rejections };
  const doc = threadDocument(conversation, source, { id: thread, messageCount: messages.length });
  return {
    records: [{ collection: 'threads', id: thread, doc, text: JSON.stringify(doc), place }, ...messages],
    rejections,
  };
}

function messageRecord(
  thread: string,
  { index, message, source }: NumberedMessage,
  place: Place,
): ChatRecord | Rejection {
  try {
    const document = documentOf({ thread, index, ...message }, source);
    const id = messageId(thread, index);
    return {
      collection: 'messages',
      id,
      doc: document.value,
      text: document.text,
      place: { ...place, message: index },
    };
  } catch (error) {
    if (error instanceof HoldfastError) return { ...place, message: index, reason: error.message };
    throw error;
  }
}

function messageId(thread: string, index: number): string {
  return `${thread}.${String(index).padStart(INDEX_DIGITS, '0')}`;
}

/** The conversation's own id; else the file's name with task and trial, or with its place in the file. */
function threadId({ about, place, isWholeFile }: Conversation, { prefix }: ChatSource): string {
  const { id, task_id: task, trial } = about;
  if (typeof id === 'string' && id !== '') return id;
  if (typeof id === 'number') return `${prefix}-${id}`;
  if (isName(task)) return isName(trial) ? `${prefix}-${task}-${trial}` : `${prefix}-${task}`;
  if (isWholeFile) return prefix;
  return `${prefix}-${'line' in place ? place.line : place.index}`;
}

function isName(value: Json | undefined): value is string | number {
  return typeof value === 'number' || (typeof value === 'string' && value !== '');
}

function threadDocument(
  conversation: Conversation,
  { prefix, file }: ChatSource,
  { id, messageCount }: { readonly id: string; readonly messageCount: number },
): JsonObject {
  const { about } = conversation;
  const details = Object.entries(about).filter(([key, value]) => !reserved.has(key) && isDetail(value));
  return {
    title: titleOf(conversation, prefix) ?? id,
    source: file,
    message_count: messageCount,
    ...Object.fromEntries(details),
  };
}

const reserved: ReadonlySet<string> = new Set([
  'id',
  'title',
  'source',
  'message_count',
  'messages',
  'traj',
  '__proto__',
]);

function isDetail(value: Json): boolean {
  if (typeof value === 'string') return value.length <= LONGEST_DETAIL && value.isWellFormed() && !value.includes('\0');
  return typeof value === 'boolean' || (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER);
}

function titleOf({ about, messages }: Conversation, prefix: string): string | undefined {
  const { title, task_id: task, trial } = about;
  if (typeof title === 'string' && isDetail(title) && title !== '') return title;
  if (isName(task)) return isName(trial) ? `${prefix} task ${task}, trial ${trial}` : `${prefix} task ${task}`;
  const asked = messages.find(({ message }) => message['role'] === 'user' && typeof message['content'] === 'string');
  const content = asked?.message['content'];
  if (typeof content !== 'string') return undefined;
  const words = content.trim().split('\n', 1)[0]?.toWellFormed().replaceAll('\0', '') ?? '';
  const characters = Array.from(words);
  return characters.length > TITLE_LENGTH ? `${characters.slice(0, TITLE_LENGTH - 1).join('')}…` : words || undefined;
}
