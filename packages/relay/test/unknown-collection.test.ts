import type { NetworkQuery } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makeChange } from '../conformance/material.ts';
import { type TestNode, TestRelay } from './relay-fixture.ts';

const secrets = { fields: { code: { type: 'text' } }, readers: ['operator'] };

describe('a collection that nobody knows', () => {
  let relay: TestRelay;
  let htpc: TestNode;
  let laptop: TestNode;
  beforeAll(async () => {
    relay = await new TestRelay().start();
    htpc = await relay.node('htpc');
    laptop = await relay.node('laptop');
    const lines = [
      makeChange({ seq: 1, collection: 'notes', id: 'a', doc: {} }).line,
      makeChange({ seq: 2, collection: 'collections', id: 'secrets', doc: secrets }).line,
    ];
    expect((await htpc.batch({ header: { agent: 'recruiter' }, lines })).status).toBe(200);
    const drafts = [makeChange({ seq: 1, collection: 'drafts', id: 'a', doc: {} }).line];
    expect((await laptop.batch({ header: { agent: 'recruiter' }, lines: drafts })).status).toBe(200);
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  const ask = async (token: string, body: NetworkQuery, headers = {}): Promise<unknown[]> => {
    const { status, json } = await relay.call('POST', '/relay/query', { token, body, headers });
    const { detail, records } = json as Record<string, unknown>;
    return [status, detail ?? records];
  };
  const missing = (name: string, near = ''): unknown[] => [404, `there is no collection "${name}"${near}`];
  const none: unknown[] = [200, []];

  it('is not found, and the nearest is named, whole or line by line', async () => {
    const near = missing('ntoes', '; did you mean "notes"?');
    expect(await ask(relay.adminToken, { collection: 'ntoes' })).toEqual(near);
    expect(await ask(relay.adminToken, { collection: 'ntoes' }, { accept: 'application/x-ndjson' })).toEqual(near);
  });

  it('is none that somebody declared, or that others than those asked for have', async () => {
    expect(await ask(relay.adminToken, { collection: 'secrets' })).toEqual(none);
    expect(await ask(relay.adminToken, { collection: 'notes', nodes: ['laptop'] })).toEqual(none);
  });

  it('is not likened to what a role may not read', async () => {
    const [viewer, operator] = [await relay.token('viewer'), await relay.token('operator')];
    expect(await ask(viewer, { collection: 'secretz' })).toEqual(missing('secretz'));
    expect(await ask(operator, { collection: 'secretz' })).toEqual(missing('secretz', '; did you mean "secrets"?'));
  });

  it('is to a node any that its own agents do not know', async () => {
    const [here, there] = [htpc.credential, laptop.credential];
    expect(await ask(here, { collection: 'drafts' })).toEqual(missing('drafts'));
    expect(await ask(here, { collection: 'draftz' })).toEqual(missing('draftz'));
    expect(await ask(here, { collection: 'secrets' })).toEqual(none);
    expect(await ask(here, { collection: 'secretz' })).toEqual(missing('secretz', '; did you mean "secrets"?'));
    expect(await ask(there, { collection: 'draftz', resources: [''] })).toEqual(
      missing('draftz', '; did you mean "drafts"?'),
    );
    expect(await ask(there, { collection: 'drafts', agents: ['scout'] })).toEqual(missing('drafts'));
  });

  it('is empty to a node that asks for a resource, as one that others use is', async () => {
    for (const collection of ['draftz', 'drafts', 'notes']) {
      for (const resources of [['app:one'], []])
        expect(await ask(laptop.credential, { collection, resources })).toEqual(none);
    }
  });
});
