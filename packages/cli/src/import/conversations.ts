import { HoldfastError, isJsonObject, type Json, type JsonObject, parseJson } from '@holdfast/protocol';

import type { Entry, Place } from './entries.ts';

/** Something in the file that was not taken: where, and why. `message` counts from 0 within its conversation. */
export type Rejection = Place & { readonly message?: number; readonly reason: string };

/** A message as the file has it, with its place in the conversation. */
export interface NumberedMessage {
  readonly index: number;
  readonly message: JsonObject;
  /** The JSON text it was read out of, for exact checks of its numbers. */
  readonly source: string;
}

/** One conversation of the file; its messages in order, without those that were rejected. */
export interface Conversation {
  readonly place: Place;
  /** Whether the file is this one conversation: a list of messages. */
  readonly isWholeFile: boolean;
  /** What the file says about it beside the messages; empty for a bare list of messages. */
  readonly about: JsonObject;
  readonly messages: readonly NumberedMessage[];
}

/** What an entry comes to. */
export type ReadResult = { readonly conversation: Conversation } | { readonly rejection: Rejection };

const ROLES: ReadonlySet<Json> = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);

/**
 * Reads conversations in OpenAI message form. An entry is an object with `messages` or `traj`, or a list of messages;
 * where the first usable entry is itself a message, the whole file is one conversation. What cannot be used is
 * rejected with its place, and reading goes on: a broken message alone, its neighbours keep their places.
 */
export async function* readConversations(entries: AsyncIterable<Entry>): AsyncGenerator<ReadResult> {
  let single: NumberedMessage[] | undefined;
  let isFirst = true;
  let position = -1;
  for await (const entry of entries) {
    position += 1;
    const parsed = parseEntry(entry);
    if ('rejection' in parsed) {
      yield parsed;
      continue;
    }
    if (isFirst && isJsonObject(parsed.value)) {
      isFirst = false;
      if (isMessageLike(parsed.value)) single = [];
    }
    if (!single) yield* conversationOf(entry.place, parsed);
    else {
      const problem = messageProblem(parsed.value);
      if (problem !== undefined) yield { rejection: { ...entry.place, reason: problem } };
      else if (isJsonObject(parsed.value))
        single.push({ index: position, message: parsed.value, source: parsed.source });
    }
  }
  if (single && single.length > 0)
    yield { conversation: { place: { index: 0 }, isWholeFile: true, about: {}, messages: single } };
}

interface Parsed {
  readonly value: Json;
  readonly source: string;
}

function parseEntry(entry: Entry): Parsed | { readonly rejection: Rejection } {
  if ('problem' in entry) return { rejection: { ...entry.place, reason: entry.problem } };
  try {
    return { value: parseJson(entry.text), source: entry.text };
  } catch (error) {
    if (error instanceof HoldfastError) return { rejection: { ...entry.place, reason: error.message } };
    throw error;
  }
}

function isMessageLike(value: JsonObject): boolean {
  return 'role' in value && !('messages' in value) && !('traj' in value);
}

function* conversationOf(place: Place, { value, source }: Parsed): Generator<ReadResult> {
  const list = Array.isArray(value) ? value : isJsonObject(value) ? (value['messages'] ?? value['traj']) : undefined;
  if (!Array.isArray(list) || list.length === 0) {
    const isContainer = typeof value === 'object' && value !== null;
    yield { rejection: { ...place, reason: isContainer ? 'no messages' : 'not an object' } };
    return;
  }
  const messages: NumberedMessage[] = [];
  const listed: readonly Json[] = list;
  for (const [index, message] of listed.entries()) {
    const problem = messageProblem(message);
    if (problem !== undefined) yield { rejection: { ...place, message: index, reason: problem } };
    else if (isJsonObject(message)) messages.push({ index, message, source });
  }
  const about = isJsonObject(value) ? value : {};
  if (messages.length > 0) yield { conversation: { place, isWholeFile: false, about, messages } };
}

/** Why a value is not a message that can be kept; undefined if it is one. */
function messageProblem(value: Json): string | undefined {
  if (!isJsonObject(value)) return 'not an object';
  const { role, content } = value;
  if (role === undefined || !ROLES.has(role)) return 'unknown role';
  if ('thread' in value || 'index' in value) return 'has a key "thread" or "index", which stand for its place here';
  if (content === undefined || content === null || typeof content === 'string') return undefined;
  const isParts =
    Array.isArray(content) && content.every((part: Json) => isJsonObject(part) && typeof part['type'] === 'string');
  return isParts ? undefined : 'content is neither text nor a list of parts';
}
