import type { AgentStatus, BatchEnd, Json, NodeInfo, RelayStatus, WriteAnswer } from '@holdfast/protocol';
import { describe, expectTypeOf, test } from 'vitest';

import {
  type Candidate,
  connect,
  connectRelay,
  type Found,
  type Group,
  type Holdfast,
  type HoldfastRelay,
  type MergePatch,
  type Page,
  type ProblemCode,
  type RecordOf,
} from '@holdfast/client';

interface Note {
  readonly text: string;
  readonly tags: readonly string[];
  readonly author?: { readonly name: string; readonly age?: number };
}

type Notes = ReturnType<typeof notesOf>;
const notesOf = (holdfast: Holdfast) => holdfast.collection<Note>('notes');

// Checked by the compiler; nothing of this is called.
const whole = (notes: Notes) => notes.query({ where: { text: 'a' } });
const parts = (notes: Notes) => notes.query({ select: ['text', 'author.name'] });
const all = (notes: Notes) => notes.each();
const wrong = (notes: Notes) => [
  // @ts-expect-error -- no such operator
  notes.query({ where: { text: { like: 'a%' } } }),
  // @ts-expect-error -- an aggregate is asked for by its own method
  notes.query({ aggregate: { metrics: { n: { count: '*' } } } }),
  // @ts-expect-error -- only "*"
  notes.put('n-1', { text: '', tags: [] }, { ifNoneMatch: 'v' }),
];

describe('types', () => {
  test('connecting needs nothing', () => {
    expectTypeOf(connect).toBeCallableWith();
    expectTypeOf(connectRelay).toBeCallableWith();
    expectTypeOf(connect).returns.toEqualTypeOf<Holdfast>();
    expectTypeOf(connectRelay).returns.toEqualTypeOf<HoldfastRelay>();
    // @ts-expect-error -- an option nobody knows
    expectTypeOf(connect).toBeCallableWith({ tokne: 't' });
  });

  test("a collection carries its documents' type", () => {
    expectTypeOf<Notes['get']>().returns.resolves.toEqualTypeOf<Found<Note> | undefined>();
    expectTypeOf<Notes['put']>().parameter(1).toEqualTypeOf<Note>();
    expectTypeOf<Notes['put']>().returns.resolves.toEqualTypeOf<WriteAnswer>();
    expectTypeOf<Notes['delete']>().returns.resolves.toEqualTypeOf<WriteAnswer | undefined>();
    expectTypeOf<Holdfast['collection']>()
      .returns.toHaveProperty('aggregate')
      .returns.resolves.toEqualTypeOf<readonly Group[]>();
  });

  test("a recruiter's answers carry the types of what is declared", () => {
    expectTypeOf<Holdfast['recruiter']['search']>().returns.resolves.toEqualTypeOf<Page<Candidate>>();
    expectTypeOf<Candidate['skills']>().toEqualTypeOf<readonly string[] | null | undefined>();
    expectTypeOf<Candidate['experience_years']>().toEqualTypeOf<number | null | undefined>();
    expectTypeOf<'active'>().toExtend<Candidate['status']>();
    expectTypeOf<'asleep'>().not.toExtend<Candidate['status']>();
  });

  test('a query that selects gives parts, one that does not gives whole documents', () => {
    expectTypeOf(whole).returns.resolves.toEqualTypeOf<Page<Note>>();
    expectTypeOf(all).returns.toEqualTypeOf<AsyncIterable<RecordOf<Note>>>();
    expectTypeOf(parts).returns.resolves.toHaveProperty('records').items.toHaveProperty('doc').toEqualTypeOf<{
      readonly text?: string;
      readonly tags?: readonly string[];
      readonly author?: { readonly name?: string; readonly age?: number };
    }>();
  });

  test('a merge patch may leave out, replace and remove', () => {
    expectTypeOf<{ author: { age: null } }>().toExtend<MergePatch<Note>>();
    expectTypeOf<{ author: null; tags: string[] }>().toExtend<MergePatch<Note>>();
    expectTypeOf<{ text: number }>().not.toExtend<MergePatch<Note>>();
    expectTypeOf<{ a: { b: null } }>().toExtend<MergePatch<Json>>();
  });

  test('what the wire contract does not know does not compile', () => {
    expectTypeOf(wrong).toBeFunction();
    // @ts-expect-error -- no such role
    expectTypeOf<HoldfastRelay['token']>().toBeCallableWith({ role: 'agent', name: 'x' });
  });

  test("answers are protocol's", () => {
    expectTypeOf<Holdfast['status']>().returns.resolves.toEqualTypeOf<AgentStatus>();
    expectTypeOf<Holdfast['stream']>().returns.resolves.toEqualTypeOf<BatchEnd>();
    expectTypeOf<HoldfastRelay['nodes']>().returns.resolves.toEqualTypeOf<readonly NodeInfo[]>();
    expectTypeOf<HoldfastRelay['status']>().returns.resolves.toEqualTypeOf<RelayStatus>();
    expectTypeOf<'queue-full'>().toExtend<ProblemCode>();
  });
});
