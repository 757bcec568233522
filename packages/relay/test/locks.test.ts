import { relayRoutes } from '@holdfast/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { BOOT } from '../conformance/material.ts';
import { answerOf, codeOf, type Reply, type TestNode, TestRelay } from './relay-fixture.ts';

const NEXT = '1'.repeat(32);

let relay: TestRelay;
let laptop: TestNode;
let office: TestNode;
beforeEach(async () => {
  relay = await new TestRelay({ 'stop.seconds': 600 }).start();
  laptop = await relay.node('laptop');
  office = await relay.node('office');
});
afterEach(() => relay[Symbol.asyncDispose]());

const wish = { name: 'billing', agent: 'ada', resource: '', ttl_seconds: 600, wait_seconds: 0, seen_fence: 0 };

function ask(call: string, body: object, { credential }: TestNode = laptop): Promise<Reply> {
  return relay.call('POST', `/relay/locks/${call}`, { token: credential, body: { boot: BOOT, resource: '', ...body } });
}

async function fenceOf(body: object = {}): Promise<number> {
  return answerOf(relayRoutes['lock.acquire'], await ask('acquire', { ...wish, ...body })).fence;
}

async function metric(name: string): Promise<string | undefined> {
  const { text } = await relay.call('GET', '/metrics', { token: relay.adminToken });
  return text.split('\n').find((line) => line.startsWith(`${name} `));
}

describe('a lock of the network', () => {
  test('is held by an agent of the node whose credential asked, whatever it says', async () => {
    const lease = answerOf(relayRoutes['lock.acquire'], await ask('acquire', { ...wish, node: 'office' }));
    const held = await ask('acquire', { ...wish, agent: 'bob' }, office);
    expect(codeOf(held)).toBe('lock-held');
    expect(held.json).toMatchObject({ holder: { agent: 'ada', node: 'laptop' } });
    expect(held.text).not.toContain(lease.lease);
    const { locks } = answerOf(relayRoutes['lock.list'], await ask('list', { after: '', limit: 10 }, office));
    expect(locks).toMatchObject([{ name: 'billing', holder: { agent: 'ada', node: 'laptop' }, waiting: 0 }]);
    expect(await metric('holdfast_locks_held')).toBe('holdfast_locks_held 1');
    expect((await ask('release', { lease: lease.lease })).status).toBe(200);
    expect(answerOf(relayRoutes['lock.find'], await ask('find', { name: 'billing' })).lock).toBeNull();
    expect(codeOf(await ask('renew', { lease: lease.lease }))).toBe('lease-lost');
  });

  test('is given to no start of a daemon that does not speak for its node', async () => {
    await laptop.session(NEXT, [BOOT]);
    const calls: [string, object][] = [
      ['acquire', wish],
      ['renew', { lease: NEXT }],
      ['release', { lease: NEXT }],
      ['list', { after: '', limit: 10 }],
      ['find', { name: 'billing' }],
    ];
    for (const [call, body] of calls) expect(codeOf(await ask(call, body))).toBe('node-cloned');
    expect((await ask('acquire', { ...wish, boot: NEXT })).status).toBe(200);
  });

  test('is waited for by nobody any more when the relay stops', async () => {
    await ask('acquire', wish);
    const waiting = ask('acquire', { ...wish, wait_seconds: 60 }, office);
    await expect.poll(() => metric('holdfast_lock_waiters')).toBe('holdfast_lock_waiters 1');
    await relay.running.stop();
    expect(codeOf(await waiting)).toBe('shutting-down');
  });
});

describe('fences', () => {
  test('are above what a session or a request tells, and go on from there', async () => {
    const fence = await fenceOf();
    const body = { boot: BOOT, predecessors: [], fence: 5000 };
    expect((await relay.call('POST', '/relay/session', { token: office.credential, body })).status).toBe(200);
    const second = await fenceOf({ name: 'second' });
    expect(second).toBeGreaterThan(5000);
    const third = await fenceOf({ name: 'third', seen_fence: second + 7 });
    expect(third).toBeGreaterThan(second + 7);
    expect(await fenceOf({ name: 'fourth', seen_fence: third })).toBe(third + 1);
    expect(fence).toBe(1);
  });
});
