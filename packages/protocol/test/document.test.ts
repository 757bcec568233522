import {
  documentOf,
  isHoldfastError,
  type Json,
  limits,
  mergePatch,
  parseDocument,
  parseJson,
  utf8Length,
} from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

function codeOf(text: string): string {
  try {
    return `kept ${parseDocument(text).text}`;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return error.code;
  }
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a document', () => {
  test('is kept as the text that JSON.stringify gives, and that text is kept as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const source = JSON.stringify(value, null, 1);
        fc.pre(!codeOf(source).startsWith('unsafe'));
        const document = parseDocument(source);
        expect(JSON.parse(document.text)).toEqual(JSON.parse(source));
        expect(parseDocument(document.text).text).toBe(document.text);
      }),
    );
  });

  test('may nest 64 deep and no deeper', () => {
    expect(codeOf(nested(limits.documentDepth))).toBe(`kept ${nested(limits.documentDepth)}`);
    expect(codeOf(nested(limits.documentDepth + 1))).toBe('unsafe-document');
    expect(codeOf('{"a":'.repeat(65) + '1' + '}'.repeat(65))).toBe('unsafe-document');
    expect(codeOf('['.repeat(1_000_000))).toBe('unsafe-document');
    // An even number of backslashes does not hide the end of a string, nor what follows it.
    expect(codeOf(String.raw`["\\",` + '['.repeat(1_000_000))).toBe('unsafe-document');
  });

  test('may hold any brackets, quotes and backslashes inside its strings', () => {
    const strings = ['['.repeat(500), '{"'.repeat(500), '\\'.repeat(501), '\\"'.repeat(300), '"['.repeat(400)];
    for (const text of strings.map((value) => JSON.stringify({ [value]: [value] }))) {
      expect(codeOf(text)).toBe(`kept ${text}`);
    }
  });

  test.each([
    ['a NUL character', String.raw`"a\u0000b"`],
    ['a NUL character in a key', String.raw`{"\u0000":1}`],
    ['a lone high surrogate', String.raw`"\ud800"`],
    ['a lone low surrogate', String.raw`["x\udc00"]`],
    ['surrogates the wrong way round', String.raw`"\udc00\ud800"`],
    ['a lone surrogate in a key', String.raw`{"a":{"\udfff":1}}`],
    ['a key named __proto__', '{"a":[{"__proto__":{}}]}'],
    ['an escaped key named __proto__', String.raw`{"\u005f_proto__":1}`],
    ['a number too large for a double', '{"a":1e999}'],
    ['a negative number too large for a double', '-1e999'],
    ['an integer of 400 digits', `[18014398509481984,${'9'.repeat(400)}]`],
    ['an integer that a double rounds', '9007199254740993'],
    ['a negative integer that a double rounds', '[-9007199254740993]'],
    ['an integer that is written down with other digits', '1152921504606846976'],
    ['an integer of 19 digits', '{"id":1234567890123456789}'],
    ['too many values', `[${'0,'.repeat(limits.documentValues)}0]`],
  ])('may not hold %s', (_name, text) => {
    expect(codeOf(text)).toBe('unsafe-document');
  });

  test.each([
    ['1e300', '1e+300'],
    ['18014398509481984', '18014398509481984'],
    ['9007199254740992', '9007199254740992'],
    ['123456789012345680000', '123456789012345680000'],
    ['1.2345678901234568e20', '123456789012345680000'],
    ['1000000000000000000000', '1e+21'],
    ['[1.0,-0.5,1E2]', '[1,-0.5,100]'],
    [String.raw`"😀\/"`, '"😀/"'],
    ['{"constructor":1,"toString":2}', '{"constructor":1,"toString":2}'],
    [' null ', 'null'],
  ])('keeps %s as %s', (text, kept) => {
    expect(codeOf(text)).toBe(`kept ${kept}`);
    expect(codeOf(kept)).toBe(`kept ${kept}`);
  });

  test('may hold 100,000 values', () => {
    const text = `[${'0,'.repeat(limits.documentValues - 1)}0]`;
    expect(codeOf(text)).toBe(`kept ${text}`);
  });

  test.each(['', '  ', '\uFEFF{}', '{', '{"a":1', '[1,]', "{'a':1}", 'NaN', '{"a":1}x', '"\n"', ']', '01', '"\\'])(
    'is not %j',
    (text) => {
      expect(codeOf(text)).toBe('bad-json');
    },
  );

  test('says where it is not JSON without repeating what it holds', () => {
    expect(() => parseDocument('{"secret" "hunter2"}')).toThrow('not JSON at character 10');
    expect(() => parseDocument(' ')).toThrow('the body is empty');
    for (const text of ['{"secret": hunter2}', '"hunter2', '{"hunter2']) {
      expect(() => parseDocument(text)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('hunter') }),
      );
    }
  });

  test.each([
    ['a', 1],
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('may have 1 MiB of UTF-8, counted in bytes: %s', (character, bytes) => {
    const fits = Math.floor((limits.recordBytes - 2) / bytes);
    const padding = 'x'.repeat(limits.recordBytes - 2 - fits * bytes);
    const text = JSON.stringify(character.repeat(fits) + padding);
    expect(Buffer.byteLength(text)).toBe(limits.recordBytes);
    expect(codeOf(text)).toBe(`kept ${text}`);
    expect(codeOf(JSON.stringify(character.repeat(fits) + padding + 'x'))).toBe('record-too-large');
  });

  test('is measured as it is kept, not as it was sent', () => {
    const spaced = `[${' '.repeat(limits.recordBytes)}1]`;
    expect(codeOf(spaced)).toBe('kept [1]');
  });

  test('a text full of integers beyond 2^53 is looked through once', () => {
    const text = `[${Array.from({ length: 50_000 }, () => '1e17').join(',')}]`;
    const values = parseJson(text) as readonly Json[];
    // Looking through the text again for each of them would take hours.
    for (const value of values.slice(0, 1000)) expect(documentOf(value, text).text).toBe('100000000000000000');
    expect(parseDocument(text).value).toHaveLength(50_000);
  });

  test('the length in UTF-8 is that of its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text));
      }),
    );
  });
});

describe('a merge patch', () => {
  // RFC 7396, appendix A: original, patch, result.
  const cases: readonly (readonly [Json, Json, Json])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];

  test.each(cases)('makes of %j with %j the result of the RFC', (target, patch, result) => {
    const before = JSON.stringify(target);
    expect(mergePatch(target, patch)).toEqual(result);
    expect(JSON.stringify(target)).toBe(before);
  });

  test('applied twice changes nothing more', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const once = mergePatch(target as Json, patch as Json);
        expect(mergePatch(once, patch as Json)).toEqual(once);
      }),
    );
  });
});
