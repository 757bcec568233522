import type { StartEntry } from '@holdfast/protocol';
import { Lineage } from '@holdfast/store';
import { describe, expect, test } from 'vitest';

const version = (ms: number, start: string): string => `${String(ms).padStart(12, '0')}-0000-${start}`;

const first = '1'.repeat(8);
const second = '2'.repeat(8);
const third = '3'.repeat(8);
const copied = '4'.repeat(8);
const branch = 'b'.repeat(8);
const twig = 'c'.repeat(8);
const rival = 'd'.repeat(8);
const stranger = '9'.repeat(8);

/**
 * `third` runs, and so does `copied`, a copy of it, after `second` and `first`; `branch` and `twig` went on from `first` before that was put back,
 * and `rival` when it had been put back again, until a copy of `third` was.
 */
const starts: readonly StartEntry[] = [
  { start: first, parent: null },
  { start: branch, parent: first },
  { start: twig, parent: branch },
  { start: second, parent: first },
  { start: third, parent: second },
  { start: copied, parent: third },
  { start: rival, parent: first },
];

const lineage = new Lineage(third, starts);
const isLater = (ours: string, theirs: string): boolean => lineage.isLater(version(1, ours), version(9, theirs));

describe('a write that is here came after one that the relay has, although its version is lower,', () => {
  test.each([
    ['the start that runs', third, 'a start before it', second],
    ['the start that runs', third, 'a branch', twig],
    ['the start that runs', third, 'a start nobody knows', stranger],
    ['a start before the one that runs', second, 'the one before that', first],
    ['a start that ended before its first session', second, 'a branch off an earlier one', twig],
    ['the end of a branch', twig, 'its beginning', branch],
  ])('if %s wrote it and %s the other', (_, ours, _who, theirs) => {
    expect(isLater(ours, theirs)).toBe(true);
  });

  test.each([
    ['one start wrote both', second, second],
    ['the relay’s start went on from the other', first, twig],
    ['the relay’s start is a copy’s, made while this one ran', third, copied],
    ['it was waiting when the file was copied, and the relay’s came after that', first, branch],
    ['the relay’s came between its own start and the one that runs', second, rival],
    ['nobody knows the relay’s start', second, stranger],
    ['nobody knows its own start', stranger, second],
    ['it was taken over from a branch, and the relay’s is of the line that runs', twig, second],
  ])('but not if %s', (_, ours, theirs) => {
    expect(isLater(ours, theirs)).toBe(false);
  });

  test('and starts that a broken database ties into a ring do not keep anybody waiting', () => {
    const ring = new Lineage(third, [
      { start: first, parent: second },
      { start: second, parent: first },
    ]);
    expect(ring.isLater(version(1, first), version(9, second))).toBe(false);
  });
});
