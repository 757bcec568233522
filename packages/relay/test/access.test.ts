import { type RelayRouteId, relayRoutes, type Role } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { answerOf, codeOf, TestRelay } from './relay-fixture.ts';

const roles = ['join', 'node', 'viewer', 'operator', 'admin'] as const satisfies readonly Role[];
const routeIds = Object.keys(relayRoutes) as RelayRouteId[];

describe('access to the relay', () => {
  let relay: TestRelay;
  const tokens = new Map<Role, string>();
  beforeAll(async () => {
    relay = await new TestRelay().start();
    tokens.set('join', await relay.invite('den'));
    tokens.set('node', await relay.enrol('htpc'));
    tokens.set('viewer', await relay.token('viewer'));
    tokens.set('operator', await relay.token('operator'));
    tokens.set('admin', relay.adminToken);
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  const call = (id: RelayRouteId, token?: string) => {
    const { method, path, ...route } = relayRoutes[id];
    // A body no route takes: whoever is let in is refused for that, and nothing changes.
    const body = 'body' in route ? { 'no such member': true } : undefined;
    const headers = id === 'batch' ? { 'content-type': 'application/x-ndjson' } : {};
    const url = path.replace('{agent}', 'recruiter').replace('{id}', '999');
    return relay.call(method, url, { ...(token !== undefined && { token }), body, headers });
  };

  const matrix = routeIds.flatMap((id) => roles.map((role) => ({ id, role })));
  it.each(matrix)('$id with the role $role follows the contract', async ({ id, role }) => {
    const isAllowed = (relayRoutes[id].roles as readonly Role[]).includes(role);
    const reply = await call(id, tokens.get(role));
    expect(reply.status === 403 && codeOf(reply) === 'forbidden').toBe(!isAllowed);
    expect(reply.status).not.toBe(401);
  });

  it.each(routeIds)('%s needs a token', async (id) => {
    expect(codeOf(await call(id))).toBe('unauthenticated');
    expect(codeOf(await call(id, 'not-a-token'))).toBe('unauthenticated');
    const admin = tokens.get('admin') ?? '';
    const altered = admin.slice(0, -1) + (admin.endsWith('0') ? '1' : '0');
    expect(codeOf(await call(id, altered))).toBe('unauthenticated');
  });

  it('tokens still hold after a restart', async () => {
    await relay.restart();
    expect((await relay.call('GET', '/relay/nodes', { token: tokens.get('viewer') ?? '' })).status).toBe(200);
    const session = { boot: 'a'.repeat(32), predecessors: [] };
    const reply = await relay.call('POST', '/relay/session', { token: tokens.get('node') ?? '', body: session });
    expect(reply.json).toMatchObject({ node: 'htpc' });
  });

  it('an admin makes tokens for others', async () => {
    const body = { role: 'operator', name: 'ada' };
    const made = await relay.call('POST', '/relay/tokens', { token: relay.adminToken, body });
    const { token, id } = answerOf(relayRoutes.token, made);
    expect(token).toContain(`hf_${id}_`);
    expect((await relay.call('GET', '/relay/dead-letters', { token })).status).toBe(200);
  });

  describe('joining', () => {
    const join = (token: string, node: string) => relay.call('POST', '/relay/join', { token, body: { node } });

    it('makes a node and a credential it can use', async () => {
      const reply = await join(await relay.invite('kitchen'), 'kitchen');
      expect(reply.status).toBe(201);
      expect(reply.json).toMatchObject({ node: 'kitchen', epoch: expect.stringMatching(/^[0-9a-f]{32}$/) });
      const reread = await relay.call('GET', '/relay/nodes', { token: relay.adminToken });
      expect(answerOf(relayRoutes.nodes, reread).nodes.map(({ node }) => node)).toContain('kitchen');
    });

    it('is refused with a used token, for another node, and after the token expired', async () => {
      const used = await relay.invite('cellar');
      await join(used, 'cellar');
      expect(codeOf(await join(used, 'cellar'))).toBe('join-token-refused');
      const forAttic = await relay.invite('attic', { ttl: 5 });
      expect(codeOf(await join(forAttic, 'cellar2'))).toBe('join-token-refused');
      relay.nowMs += 5000;
      expect(codeOf(await join(forAttic, 'attic'))).toBe('join-token-refused');
    });

    it('lives as long as asked, or as configured', async () => {
      const invite = async (body: object) =>
        answerOf(relayRoutes.invite, await relay.call('POST', '/relay/join-tokens', { token: relay.adminToken, body }));
      const after = (seconds: number): string => new Date(relay.nowMs + seconds * 1000).toISOString();
      expect(await invite({ node: 'loft' })).toMatchObject({ node: 'loft', expires_at: after(900) });
      expect(await invite({ node: 'loft', ttl: 60 })).toMatchObject({ expires_at: after(60) });
    });

    it('with one token a hundred times at once makes one node with one credential', async () => {
      const token = await relay.invite('garage');
      const replies = await Promise.all(Array.from({ length: 100 }, () => join(token, 'garage')));
      const codes = replies.map((reply) => codeOf(reply) ?? reply.status);
      expect(codes.filter((code) => code === 201)).toHaveLength(1);
      expect(codes.filter((code) => code === 'join-token-refused')).toHaveLength(99);
    });

    it('is not offered to the name of an enrolled node, and the answer says how a new machine takes its place', async () => {
      const reply = await relay.call('POST', '/relay/join-tokens', { token: relay.adminToken, body: { node: 'htpc' } });
      expect([reply.status, codeOf(reply)]).toEqual([409, 'node-exists']);
      expect(reply.json?.['detail']).toContain('holdfast invite htpc --replaces');
    });

    it('in the place of a node shuts the old machine out at once, and the new one has its session at once', async () => {
      const boots = ['1', '2'].map((digit) => ({ boot: digit.repeat(32), predecessors: [] }));
      const session = (token: string, machine: 0 | 1) =>
        relay.call('POST', '/relay/session', { token, body: boots[machine] });
      const before = await relay.enrol('study');
      expect((await session(before, 0)).status).toBe(200);
      const reply = await join(await relay.invite('study', { replaces: true }), 'study');
      expect(reply.status).toBe(201);
      const { credential } = answerOf(relayRoutes.join, reply);
      expect(codeOf(await session(before, 0))).toBe('unauthenticated');
      expect((await session(credential, 1)).status).toBe(200);
      expect(codeOf(await session(credential, 0))).toBe('node-cloned');
    });

    it('in the place of a node is not offered where there is none', async () => {
      const body = { node: 'nowhere', replaces: true };
      const reply = await relay.call('POST', '/relay/join-tokens', { token: relay.adminToken, body });
      expect([reply.status, codeOf(reply)]).toEqual([404, 'node-not-found']);
    });
  });
});
