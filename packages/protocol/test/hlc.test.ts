import { HybridClock, startOf, startOfBoot, VERSION_PATTERN, versionMs, ZERO_VERSION } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const MAX_MS = 2 ** 48 - 1;
const wallMs = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: MAX_MS - 1_000_000 }));
const hex = (digits: number): fc.Arbitrary<string> =>
  fc.integer({ min: 0, max: 16 ** digits - 1 }).map((value) => value.toString(16).padStart(digits, '0'));
const nearMs = fc.integer({ min: 0, max: 20 });
const versionAt = (time: fc.Arbitrary<number>): fc.Arbitrary<string> =>
  fc
    .tuple(time, fc.oneof(fc.constantFrom('0000', 'fffe', 'ffff'), hex(4)), hex(8))
    .map(([ms, counter, suffix]) => `${ms.toString(16).padStart(12, '0')}-${counter}-${suffix}`);

function clockAt(times: readonly number[], suffix = '00000000'): HybridClock {
  let at = 0;
  return new HybridClock(() => times[Math.min(at++, times.length - 1)] ?? 0, suffix);
}

const observed = versionAt(wallMs);
// Either all times are near to each other, so that many are equal, or they are anywhere.
const steps = fc.oneof(
  fc.array(fc.tuple(nearMs, versionAt(nearMs)), { minLength: 1, maxLength: 30 }),
  fc.array(fc.tuple(wallMs, observed), { minLength: 1, maxLength: 30 }),
);

describe('the hybrid clock', () => {
  test('only grows, whatever the wall clock does', () => {
    fc.assert(
      fc.property(fc.array(wallMs, { minLength: 2, maxLength: 50 }), hex(8), (times, suffix) => {
        const clock = clockAt(times, suffix);
        const versions = times.map(() => clock.next());
        expect(versions).toEqual([...new Set(versions)].toSorted());
        for (const version of versions) expect(version).toMatch(VERSION_PATTERN);
      }),
    );
  });

  test('stays above everything it observed, from other nodes and from before a restart', () => {
    fc.assert(
      fc.property(steps, hex(8), (taken, suffix) => {
        const clock = clockAt(
          taken.map(([ms]) => ms),
          suffix,
        );
        let greatest = ZERO_VERSION;
        for (const [, version] of taken) {
          clock.observe(version);
          if (version > greatest) greatest = version;
          const next = clock.next();
          expect(next > greatest).toBe(true);
          greatest = next;
        }
      }),
    );
  });

  test('a version sorts as its time, counter and suffix compare', () => {
    fc.assert(
      fc.property(observed, observed, (left, right) => {
        const numbers = (version: string): bigint => BigInt(`0x${version.replaceAll('-', '')}`);
        expect(left < right).toBe(numbers(left) < numbers(right));
      }),
    );
  });

  test('takes the next millisecond when the counter is used up', () => {
    const clock = clockAt([1000]);
    clock.observe(`${(1000).toString(16).padStart(12, '0')}-ffff-00000000`);
    expect(clock.next()).toBe('0000000003e9-0000-00000000');
    expect(clock.next()).toBe('0000000003e9-0001-00000000');
  });

  test('takes another start and goes on above what it gave in the one before', () => {
    const clock = clockAt([1000]);
    const before = clock.next();
    clock.changeStart('00000001');
    const after = clock.next();
    expect([after > before, startOf(after)]).toEqual([true, '00000001']);
    expect(() => clock.changeStart('wrong')).toThrow(RangeError);
  });

  test('renews a version: above all it gave, and still of the start that wrote it', () => {
    const clock = clockAt([1000], startOfBoot('0badcafe'.repeat(4)));
    const before = clock.next();
    const renewed = clock.renewed('000000000001-0000-00000007');
    expect([renewed > before, startOf(renewed), startOf(clock.next())]).toEqual([true, '00000007', '0badcafe']);
  });

  test('tells the wall clock it was made at', () => {
    expect(versionMs(clockAt([1_763_596_800_000]).next())).toBe(1_763_596_800_000);
    expect(versionMs(ZERO_VERSION)).toBe(0);
  });

  test('fails rather than wrap around past its last millisecond', () => {
    const clock = clockAt([0]);
    clock.observe('ffffffffffff-ffff-00000000');
    expect(() => clock.next()).toThrow(RangeError);
    expect(() => clockAt([MAX_MS + 1]).next()).toThrow(RangeError);
  });

  test.each(['', '1234567', '123456789', 'ABCDEF01', 'xyzxyzxy'])('refuses the node suffix "%s"', (suffix) => {
    expect(() => new HybridClock(() => 0, suffix)).toThrow(RangeError);
  });
});
