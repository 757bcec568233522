import { testSeed } from '@holdfast/testkit';
import { beforeEach, describe, expect, test } from 'vitest';

import { broken, expectConserved } from './conservation.ts';
import { type Effect, keyText, Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { startNetwork } from './network.ts';
import { differences, type Records, type Stored } from './stored.ts';

// The oracle must be able to fail: each kind of loss is seen, and nothing else is taken for one.

function effect(id: string, text: string | null): Effect {
  return { key: { node: 'n', agent: 'a', resource: '', collection: 'notes', id }, text };
}

function records(stored: Readonly<Record<string, Partial<Stored>>>): Records {
  const entries = Object.entries(stored).map(([id, { version = 'v1', doc = '1', text = doc }]) => {
    return [keyText(effect(id, null).key), { version, doc, text }] as const;
  });
  return new Map(entries);
}

describe('the ledger held against what is stored', () => {
  let ledger: Ledger;

  beforeEach(() => {
    ledger = new Ledger();
    ledger.attempt([effect('kept', '1')]).acknowledged([{ version: 'v1', seq: 1 }]);
  });

  test('is content with what was acknowledged', () => {
    expect(broken(ledger, records({ kept: {} }))).toEqual([]);
  });

  test.each<[string, Records, RegExp]>([
    ['a record that is gone', records({}), /^not as acknowledged: .*kept/],
    ['an older text', records({ kept: { doc: '0' } }), /^not as acknowledged/],
    ['the same text in another version', records({ kept: { version: 'v2' } }), /^not as acknowledged/],
    ['a record nobody wrote', records({ kept: {}, ghost: {} }), /^nobody wrote it: .*ghost/],
  ])('sees %s', (_case, stored, message) => {
    expect(broken(ledger, stored)).toEqual([expect.stringMatching(message)]);
  });

  test('sees a deleted record that came back', () => {
    ledger.attempt([effect('kept', null)]).acknowledged([{ version: 'v2', seq: 2 }]);
    expect(broken(ledger, records({}))).toEqual([]);
    expect(broken(ledger, records({ kept: {} }))).toHaveLength(1);
  });

  test('lets an unanswered write be there or not, but only as it was sent and in a later version', () => {
    ledger.attempt([effect('kept', '2')]);
    ledger.attempt([effect('new', '3')]);
    expect(broken(ledger, records({ kept: {} }))).toEqual([]);
    expect(broken(ledger, records({ kept: { doc: '2', version: 'v2' }, new: { doc: '3' } }))).toEqual([]);
    expect(broken(ledger, records({ kept: { doc: '2', version: 'v0' } }))).toHaveLength(1);
    expect(broken(ledger, records({ kept: {}, new: { doc: '4' } }))).toHaveLength(1);
    expect(broken(ledger, records({}))).toHaveLength(1);
  });

  test('takes a refused write for nothing', () => {
    ledger.attempt([effect('kept', '2')]).refused();
    expect(broken(ledger, records({ kept: { doc: '2', version: 'v2' } }))).toHaveLength(1);
  });

  test('sees half of an unanswered batch', () => {
    ledger.attempt([effect('one', '1'), effect('two', '1')]);
    expect(broken(ledger, records({ kept: {} }))).toEqual([]);
    expect(broken(ledger, records({ kept: {}, one: {}, two: {} }))).toEqual([]);
    expect(broken(ledger, records({ kept: {}, two: {} }))).toEqual([expect.stringMatching(/^half a batch/)]);
  });

  test.each([
    ['given twice', { version: 'v2', seq: 1 }],
    ['with an older version', { version: 'v0', seq: 2 }],
  ])('sees a position %s', (_case, answer) => {
    ledger.attempt([effect('next', '1')]).acknowledged([answer]);
    const stored = records({ kept: {}, next: { version: answer.version } });
    expect(broken(ledger, stored)).toEqual([expect.stringMatching(/^a position given twice/)]);
  });
});

test('two sets of records differ by what is missing on either side and by each byte', () => {
  const onNodes = records({ same: {}, changed: { text: 'a' }, here: {} });
  const onRelay = records({ same: {}, changed: { text: 'b' }, there: {} });
  expect(differences(onNodes, onRelay)).toEqual([
    expect.stringMatching(/^not the same on the relay: .*changed/),
    expect.stringMatching(/^missing on the relay: .*here/),
    expect.stringMatching(/^missing on its node: .*there/),
  ]);
});

test('of a real network, a single acknowledged write that is gone is noticed', async () => {
  await using network = await startNetwork({ nodes: { workstation: ['ada'] } });
  const ledger = new Ledger();
  using load = new Load({ agents: network.agents, ledger, seed: testSeed(), restMs: 5 });
  await load.during(ledger.moreAcknowledged(100));
  await load.finish();
  const { records: count, acknowledgedWrites } = await expectConserved(network, ledger);
  expect(count).toBeGreaterThan(0);
  expect(acknowledgedWrites).toBeGreaterThanOrEqual(100);
  const notes = network.agent('ada').client.collection('notes');
  const [{ id } = { id: 'none' }] = (await notes.query({ limit: 1 })).records;
  expect(await notes.delete(id)).toBeDefined();
  await expect(expectConserved(network, ledger)).rejects.toThrow(/not as acknowledged/);
});
