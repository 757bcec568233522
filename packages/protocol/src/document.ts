import { HoldfastError } from './errors.ts';
import { limits } from './limits.ts';

/** Any value JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** A document: its value, and the one text it is stored, sent, hashed and compared as. */
export interface Document {
  readonly value: Json;
  /** `JSON.stringify` of the value: no white space, keys in their order, numbers in shortest form. */
  readonly text: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Levels a request may put around a document: the list of a batch, its operation, and room to spare. */
const ENVELOPE_DEPTH = 8;

/**
 * Parses a document and makes sure it can be kept exactly, everywhere it will travel (protocol rule 11).
 *
 * Throws `bad-json`; `unsafe-document` for nesting or size in values beyond the limits, NUL, lone surrogates,
 * `__proto__` keys, integers that would be written down with other digits; `record-too-large`.
 */
export function parseDocument(text: string): Document {
  return documentOf(parseJson(text), text);
}

/**
 * Parses JSON text of bounded depth, without `__proto__` keys. What it holds is not checked further. Throws `bad-json`,
 * `unsafe-document`.
 */
export function parseJson(text: string): Json {
  assertDepth(text);
  const value = parseOrThrow(text);
  // Only a text with the name, or with escapes that may spell it, needs to be searched.
  if (text.includes('__proto__') || text.includes('\\u00')) assertNoPrototype(value);
  return value;
}

function parseOrThrow(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new HoldfastError('bad-json', describeParseError(text, cause));
  }
}

function assertNoPrototype(value: Json): void {
  if (typeof value !== 'object' || value === null) return;
  if (Object.hasOwn(value, '__proto__')) throw unsafe('a key named "__proto__"');
  for (const inner of Object.values(value)) assertNoPrototype(inner);
}

/** Makes a document of a value that `parseJson` read out of `source`, under the rules of `parseDocument`. */
export function documentOf(value: Json, source: string): Document {
  assertSafe(value, { depth: 0, remaining: limits.documentValues, source });
  const text = JSON.stringify(value);
  if (text.length * 3 > limits.recordBytes && utf8Length(text) > limits.recordBytes) {
    throw new HoldfastError('record-too-large', `the document is over ${limits.recordBytes} bytes`);
  }
  return { value, text };
}

/** Whether a JSON value is an object: not null, not an array. */
export function isJsonObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Applies a JSON Merge Patch (RFC 7396): null removes, objects merge, everything else replaces. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, Json>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key) ?? null, value));
  }
  return Object.fromEntries(merged);
}

// Counted on the text, before JSON.parse: it would build a million levels and only JSON.stringify would fail.
function assertDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > limits.documentDepth + ENVELOPE_DEPTH) throw tooDeep();
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

interface Walk {
  depth: number;
  remaining: number;
  readonly source: string;
}

function assertSafe(value: Json, walk: Walk): void {
  if (typeof value === 'string') assertSafeText(value);
  else if (typeof value === 'number') assertExact(value, walk.source);
  else if (typeof value === 'object' && value !== null) assertSafeContainer(value, walk);
}

function assertSafeContainer(value: readonly Json[] | JsonObject, walk: Walk): void {
  walk.depth += 1;
  if (walk.depth > limits.documentDepth) throw tooDeep();
  if (Array.isArray(value)) {
    spend(walk, value.length);
    for (const item of value as readonly Json[]) assertSafe(item, walk);
  } else {
    assertSafeObject(value as JsonObject, walk);
  }
  walk.depth -= 1;
}

function assertSafeObject(value: JsonObject, walk: Walk): void {
  const keys = Object.keys(value);
  spend(walk, keys.length);
  for (const key of keys) {
    if (key === '__proto__') throw unsafe('a key named "__proto__"');
    assertSafeText(key);
    assertSafe(value[key] as Json, walk);
  }
}

function spend(walk: Walk, values: number): void {
  walk.remaining -= values;
  if (walk.remaining < 0) throw unsafe(`more than ${limits.documentValues} values`);
}

function assertSafeText(text: string): void {
  if (text.includes('\0')) throw unsafe('a NUL character');
  if (!text.isWellFormed()) throw unsafe('a lone surrogate');
}

function assertExact(value: number, source: string): void {
  if (!Number.isFinite(value)) throw unsafe('a number too large for a double');
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && losesDigits(source)) {
    throw unsafe('an integer beyond 2^53 whose digits a double does not keep; send it as a string');
  }
}

// One slot is enough: the documents of a batch share their source, and one text must not be parsed again for each of
// its integers.
let lastVerdict: { readonly source: string; readonly losesDigits: boolean } | undefined;

function losesDigits(source: string): boolean {
  if (lastVerdict?.source !== source) lastVerdict = { source, losesDigits: someIntegerLosesDigits(source) };
  return lastVerdict.losesDigits;
}

// Rare and slow: only texts that hold some integer beyond 2^53 are parsed again, with the source of each number.
function someIntegerLosesDigits(text: string): boolean {
  let lost = false;
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown => {
    const source = context?.source;
    if (typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source)) {
      lost ||= !Number.isSafeInteger(value) && source !== writtenDigits(value);
    }
    return value;
  };
  JSON.parse(text, reviver);
  return lost;
}

/**
 * The integer that `JSON.stringify` writes, without exponent. It may differ from what the double holds: 2^60 is written
 * as 1152921504606847000, and that is what every reader after us would take it for.
 */
export function writtenDigits(integer: number): string {
  const [mantissa = '', exponent] = String(integer).split('e+');
  if (exponent === undefined) return mantissa;
  const [whole = '', fraction = ''] = mantissa.split('.');
  return whole + fraction.padEnd(Number(exponent), '0');
}

function tooDeep(): HoldfastError {
  return unsafe(`nesting beyond ${limits.documentDepth} levels`);
}

function unsafe(what: string): HoldfastError {
  return new HoldfastError('unsafe-document', `the document holds ${what}`);
}

// V8's messages quote the text they stumble over; documents must not reach logs, so only the place is kept.
function describeParseError(text: string, cause: unknown): string {
  const position = /at position (\d+)/.exec(cause instanceof Error ? cause.message : '')?.[1];
  if (text.trim() === '') return 'the body is empty';
  return position === undefined ? 'the text ends early or is not JSON' : `not JSON at character ${position}`;
}

/** Length of well-formed text in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
