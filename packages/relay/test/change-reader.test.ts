import { type Change, changeSchema } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { makeChange } from '../conformance/material.ts';
import { readChangeLine } from '../src/service/change-reader.ts';

const sound = JSON.parse(makeChange({ seq: 7, doc: { a: [1, 'two', null] } }).line) as Change;

/** Values that are right in some place and wrong in most. */
const values: readonly unknown[] = [
  [undefined, null, true, false, 0, 1, -1, 1.5, 7, 1e15, 2 ** 53, 1e300, '', 'x', '.', '..', 'a/b', 'a\nb', 'é'],
  ['app:user_1', 'Notes', 'notes', 'n'.repeat(63), 'n'.repeat(64), 'i'.repeat(255), 'i'.repeat(256), ':x', '\ud800'],
  ['000000000001-0000-00000001', '000000000001-0000-0000000', '000000000001-0000-0000000G', [], {}, [1], { a: 1 }],
  ['0'.repeat(32), 'A'.repeat(32), '0'.repeat(31), '__proto__', 'constructor', 'notes\n'],
].flat(1);
const members = Object.keys(sound) as (keyof Change)[];

/** Whether the hand-written reader found the envelope in order; what it thinks of the document and hash does not count. */
function isEnvelopeFine(value: unknown): boolean {
  try {
    const { row, refusal } = readChangeLine(JSON.stringify(value), 'line 1');
    return row !== undefined || refusal?.reason.endsWith(' is not as a change must have it') === false;
  } catch {
    return false;
  }
}

describe('the change reader', () => {
  it('takes a sound change as it is', () => {
    const { seq, row, refusal } = readChangeLine(JSON.stringify(sound), 'line 1');
    expect({ seq, refusal }).toEqual({ seq: 7, refusal: undefined });
    expect(row).toEqual({ ...sound, doc: JSON.stringify(sound.doc) });
  });

  it.each(members)('agrees with the schema about %s', (member) => {
    for (const value of values) {
      const changed = JSON.parse(JSON.stringify({ ...sound, [member]: value })) as unknown;
      expect([value, isEnvelopeFine(changed)]).toEqual([value, changeSchema.safeParse(changed).success]);
    }
  });

  it('agrees with the schema about whatever else comes', () => {
    const anyMember = fc.oneof(fc.constantFrom(...values), fc.jsonValue(), fc.string({ unit: 'binary' }));
    const anyChange = fc.record(
      Object.fromEntries(
        members.map((member) => [
          member,
          fc.oneof({ weight: 8, arbitrary: fc.constant(sound[member]) }, { weight: 1, arbitrary: anyMember }),
        ]),
      ),
    );
    fc.assert(
      fc.property(fc.oneof(anyChange, fc.jsonValue()), (value) => {
        const travelled = JSON.parse(JSON.stringify(value)) as unknown;
        expect(isEnvelopeFine(travelled)).toBe(changeSchema.safeParse(travelled).success);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['times no date can hold', { createdAtMs: 8_640_000_000_000_001 }],
    ['a document of another hash', { doc: { a: [1, 'two'] } }],
    ['a deletion passed off under the hash of a document', { deleted: true, doc: null }],
    ['a document with a NUL', { doc: 'a\0b' }],
  ])('refuses what the schema lets pass: %s', (_, change) => {
    expect(readChangeLine(JSON.stringify({ ...sound, ...change }), 'line 1').refusal).toBeDefined();
  });

  it('gives of a refused change what could be read of its key', () => {
    const line = JSON.stringify({ ...sound, collection: 'NOT', version: 5 });
    expect(readChangeLine(line, 'line 1').refusal).toMatchObject({
      code: 'invalid-request',
      resource: '',
      collection: null,
      record: 'r7',
      version: null,
    });
  });

  it.each(['{', '', 'null', '5', '[]', '{}', '{"seq":0}', '{"seq":1.5}', '{"seq":"1"}', '{"seq":9007199254740993}'])(
    'cannot place %s in a stream at all',
    (line) => {
      expect(() => readChangeLine(line, 'line 1')).toThrow(/line 1/);
    },
  );
});
