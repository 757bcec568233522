import type { Issue } from '../errors.ts';
import { isJsonObject, type Json } from '../document.ts';
import { didYouMean } from '../nearest.ts';
import type { Collection } from './declaration.ts';
import type { Field, FieldOf, Fields, FieldType, TextFormat } from './field.ts';

/** Problems told of one document. */
const MAX_ISSUES = 20;

/** What became of a document that was checked. */
export interface CheckedDocument {
  /** What does not fit, and where; empty: all fits. At most 20. */
  readonly issues: readonly Issue[];
  /** The document with defaults filled in and times in one form; the very same value if nothing was changed. */
  readonly value: Json;
}

/** Checks documents of a collection, and fills in what is left out. */
export type DocumentCheck = (value: Json) => CheckedDocument;

/** A value that fits, perhaps changed; what does not fit is told to `report`, and then the value does not matter. */
type Check = (value: Json, path: string, report: Report) => Json;
type Report = (path: string, message: string) => void;

/** Makes the check of a collection's documents. */
export function documentCheck({
  name,
  document = 'object',
  fields,
  open,
}: Pick<Collection, 'name' | 'document' | 'fields' | 'open'>): DocumentCheck {
  const check = document === 'any' ? anything : objectCheck(fields ?? {}, fields === undefined || open === true, name);
  return (value) => {
    const issues: Issue[] = [];
    const report: Report = (path, message) => {
      if (issues.length < MAX_ISSUES) issues.push({ path, message });
    };
    return { value: check(value, '', report), issues };
  };
}

const anything: Check = (value) => value;

function objectCheck(fields: Fields, isOpen: boolean, owner: string): Check {
  const checks = new Map(Object.entries(fields).map(([name, field]) => [name, fieldCheck(field)]));
  const names = [...checks.keys()];
  const required = names.filter((name) => fields[name]?.required === true && fields[name].default === undefined);
  const defaults = names.flatMap((name) => {
    const value = fields[name]?.default;
    return value === undefined ? [] : [[name, value as Json] as const];
  });
  return (value, path, report) => {
    if (!isJsonObject(value)) return mismatch(report, path, 'an object', value);
    let changed: Map<string, Json> | undefined;
    const change = (name: string, to: Json): void => {
      changed ??= new Map(Object.entries(value));
      changed.set(name, to);
    };
    for (const name of Object.keys(value)) {
      const check = checks.get(name);
      const before = value[name] as Json;
      if (check === undefined) {
        if (!isOpen) report(inside(path, name), `${owner} has no such field${didYouMean(name, names)}`);
      } else {
        const after = check(before, inside(path, name), report);
        if (after !== before) change(name, after);
      }
    }
    for (const name of required) if (!Object.hasOwn(value, name)) report(inside(path, name), 'required');
    for (const [name, fallback] of defaults) if (!Object.hasOwn(value, name)) change(name, fallback);
    return changed === undefined ? value : Object.fromEntries(changed);
  };
}

function fieldCheck(field: Field): Check {
  const check = checksByType[field.type](field as never);
  return (value, path, report) => {
    if (value !== null) return check(value, path, report);
    if (field.required === true) report(path, 'required, got null');
    return null;
  };
}

const checksByType: { readonly [Type in FieldType]: (field: FieldOf<Type>) => Check } = {
  text: textCheck,
  number: (field) => numberCheck(field, 'a number', Number.isFinite),
  integer: (field) => numberCheck(field, 'a whole number', Number.isSafeInteger),
  boolean: () => (value, path, report) =>
    typeof value === 'boolean' ? value : mismatch(report, path, 'true or false', value),
  time: () => timeCheck,
  json: () => anything,
  list: listCheck,
  object: ({ fields }) => objectCheck(fields ?? {}, fields === undefined, 'the object'),
};

function textCheck({ minLength = 0, maxLength = Infinity, oneOf, format }: FieldOf<'text'>): Check {
  const allowed = oneOf && new Set(oneOf);
  return (value, path, report) => {
    if (typeof value !== 'string') return mismatch(report, path, 'text', value);
    if (value.length < minLength) report(path, `expected at least ${minLength} characters, got ${value.length}`);
    if (value.length > maxLength) report(path, `expected at most ${maxLength} characters, got ${value.length}`);
    if (allowed?.has(value) === false) report(path, `expected one of ${[...allowed].join(', ')}, got another text`);
    if (format !== undefined && !formats[format](value)) report(path, `expected ${formatNames[format]}`);
    return value;
  };
}

const formats: Readonly<Record<TextFormat, (text: string) => boolean>> = {
  // What browsers take for an address, without its many rules: one @ between two parts, the latter with names and dots.
  email: (text) => text.length <= 254 && /^[^\s@"(),:;<>[\\\]]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*$/.test(text),
  uri: (text) => URL.canParse(text),
};

const formatNames: Readonly<Record<TextFormat, string>> = { email: 'an e-mail address', uri: 'a URI' };

function numberCheck(
  { min = -Infinity, max = Infinity }: FieldOf<'number' | 'integer'>,
  expected: string,
  isOne: (value: number) => boolean,
): Check {
  return (value, path, report) => {
    if (typeof value !== 'number' || !isOne(value)) return mismatch(report, path, expected, value);
    if (value < min) report(path, `expected at least ${min}`);
    if (value > max) report(path, `expected at most ${max}`);
    return value;
  };
}

const TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

const timeCheck: Check = (value, path, report) => {
  const normal = typeof value === 'string' ? normalTime(value) : undefined;
  if (normal === undefined) return mismatch(report, path, 'a time such as "2026-11-20T10:54:56.123Z"', value);
  return normal;
};

/** Times in their one form already, on days that every month has. */
const NORMAL_TIME = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** An RFC 3339 time in UTC with milliseconds, the rest of a second's digits cut off; undefined for what is none. */
export function normalTime(text: string): string | undefined {
  if (NORMAL_TIME.test(text)) return text;
  const ms = TIME.test(text) ? Date.parse(text.replace(' ', 'T').toUpperCase()) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function listCheck({ of, maxItems = Infinity }: FieldOf<'list'>): Check {
  const check = of === undefined ? anything : fieldCheck(of);
  return (value, path, report) => {
    if (!Array.isArray(value)) return mismatch(report, path, 'a list', value);
    const members = value as readonly Json[];
    if (members.length > maxItems) report(path, `expected at most ${maxItems} members, got ${members.length}`);
    const after = members.map((member, index) => check(member, `${path}[${index}]`, report));
    return after.every((member, index) => member === members[index]) ? members : after;
  };
}

function mismatch(report: Report, path: string, expected: string, value: Json): Json {
  report(path, `expected ${expected}, got ${typeName(value)}`);
  return value;
}

/** What a value is, never the value itself: it may be personal. */
function typeName(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number';
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'an object' : 'true or false';
}

function inside(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
