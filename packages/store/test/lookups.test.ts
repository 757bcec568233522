import type { Json } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { put, remove } from './fixture.ts';
import { agent, useAgent } from './use-agent.ts';

useAgent();

const all = { texts: 100, perText: 100 };
const place = { resource: '', collection: 'candidates' };

/** A candidate that is gone in a minute. */
const passing = (id: string, doc: Json) => put('candidates', id, doc, { expiresAtMs: agent.clock.now() + 60_000 });

describe('texts that records share', () => {
  test('are told by text and id, whatever their case, of live records of one resource', async () => {
    expect(agent.store.lookups.sharedTexts(place, 'email', all)).toEqual([]);
    for (const [id, email] of [
      ['3', 'b@example.org'],
      ['1', 'B@example.org'],
      ['2', 'a@example.org'],
      ['4', 'A@EXAMPLE.ORG'],
      ['5', 'c@example.org'],
      ['6', 'c@example.org'],
    ]) {
      await agent.write(put('candidates', id ?? '', { email: email ?? null }));
    }
    await agent.write(passing('7', { email: 'c@example.org' }));
    await agent.write(remove('candidates', '6'));
    const a = ['2', '4'].map((id) => ({ text: 'a@example.org', id, count: 2 }));
    const b = ['1', '3'].map((id) => ({ text: 'b@example.org', id, count: 2 }));
    const c = ['5', '7'].map((id) => ({ text: 'c@example.org', id, count: 2 }));
    const shared = (most: typeof all) => agent.store.lookups.sharedTexts(place, 'email', most);
    expect(shared(all)).toEqual([...a, ...b, ...c]);
    expect(shared({ texts: 2, perText: 1 })).toEqual([a[0], b[0]]);
    agent.clock.advance(60_001);
    expect(shared(all)).toEqual([...a, ...b]);
    expect(agent.store.lookups.sharedTexts({ ...place, resource: 'app:one' }, 'email', all)).toEqual([]);
  });
});

describe('members of lists', () => {
  test('are told once each, in order, and records are found by enough groups of them', async () => {
    expect(agent.store.lookups.memberTexts('candidates', 'skills')).toEqual([]);
    await agent.write(put('candidates', 'b', { skills: ['Go', 'SQL'] }));
    await agent.write(put('candidates', 'a', { skills: ['go', 'Rust', 'Go'] }));
    await agent.write(put('candidates', 'c', { skills: ['SQL'] }));
    await agent.write(passing('d', { skills: ['go', 'SQL'] }));
    const { lookups } = agent.store;
    expect(lookups.memberTexts('candidates', 'skills')).toEqual(['Go', 'Rust', 'SQL', 'go']);
    expect(lookups.memberTexts('candidates', 'name')).toEqual([]);
    const groups = [['Go', 'go'], ['SQL']];
    const ids = (least: number, limit = 100): string[] =>
      lookups.idsByMembers(place, 'skills', { groups, least, limit });
    expect([ids(2), ids(1), ids(1, 2)]).toEqual([
      ['b', 'd'],
      ['a', 'b', 'c', 'd'],
      ['a', 'b'],
    ]);
    agent.clock.advance(60_001);
    expect(ids(2)).toEqual(['b']);
    await agent.write(remove('candidates', 'b'));
    expect(ids(2)).toEqual([]);
    expect(lookups.idsByMembers({ ...place, resource: 'app:one' }, 'skills', { groups, least: 1, limit: 9 })).toEqual(
      [],
    );
  });
});
