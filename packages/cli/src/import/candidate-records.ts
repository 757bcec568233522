import { createHash } from 'node:crypto';

import {
  candidates,
  documentCheck,
  documentOf,
  HoldfastError,
  isRecordId,
  type Json,
  type JsonObject,
} from '@holdfast/protocol';

import type { Rejection } from './conversations.ts';
import type { Place } from './entries.ts';

const ID_DIGITS = 24;

const check = documentCheck(candidates);

/** A candidate to be written, and where in the file they come from. */
export interface CandidateRecord {
  readonly collection: 'candidates';
  readonly id: string;
  readonly doc: JsonObject;
  /** The document as it is stored, for its size. */
  readonly text: string;
  readonly place: Place;
}

/**
 * The record of one row. Its id is the row's own, else it follows from the e-mail address, else from all the row says: the
 * same row again meets the same record. What does not fit is told without its value, which is personal.
 */
export function candidateRecord(values: JsonObject, place: Place, source: string): CandidateRecord | Rejection {
  const { id: given, ...fields } = values;
  if (Object.keys(fields).length === 0) return { ...place, reason: 'says nothing of a candidate' };
  const { value, issues } = check(fields);
  const [issue] = issues;
  if (issue !== undefined) return { ...place, reason: `${issue.path}: ${issue.message}` };
  const id = given === undefined ? derivedId(fields) : idIn(given);
  if (!isRecordId(id)) return { ...place, reason: 'its id cannot be a record id' };
  try {
    const { text } = documentOf(value, source);
    return { collection: 'candidates', id, doc: value as JsonObject, text, place };
  } catch (error) {
    if (error instanceof HoldfastError) return { ...place, reason: error.message };
    throw error;
  }
}

function idIn(given: Json): string {
  return typeof given === 'string' || typeof given === 'number' ? String(given) : '';
}

// Ids stand in logs and errors: an address is not to be read there.
function derivedId(fields: JsonObject): string {
  const { email } = fields;
  return typeof email === 'string' && email !== '' ? `e-${hashOf(email.toLowerCase())}` : `r-${hashOf(sorted(fields))}`;
}

/** The fields in the order of their names: columns may change places. */
function sorted(fields: JsonObject): string {
  const entries: [string, Json][] = Object.entries(fields).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(entries);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, ID_DIGITS);
}
