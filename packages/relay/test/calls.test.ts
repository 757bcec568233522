import { once } from 'node:events';
import { request } from 'node:http';

import { limits, PROTOCOL_VERSION, relayRoutes, type TakenCall } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { BOOT } from '../conformance/material.ts';
import { answerOf, codeOf, type Reply, type TestNode, TestRelay } from './relay-fixture.ts';

const NEXT = '1'.repeat(32);

let relay: TestRelay;
let worker: TestNode;
let target: TestNode;
beforeEach(async () => {
  relay = await new TestRelay({ 'stop.seconds': 600 }).start();
  worker = await relay.node('worker');
  target = await relay.node('target');
});
afterEach(() => relay[Symbol.asyncDispose]());

const asked = { boot: BOOT, node: 'target', agent: 'ada', resource: 'app:one', call: 'echo', body: { n: 1 } };

function ask(changes: object = {}, { credential }: TestNode = worker): Promise<Reply> {
  return relay.call('POST', '/relay/calls', { token: credential, body: { ...asked, ...changes } });
}

function poll(changes: object = {}, { credential }: TestNode = target): Promise<Reply> {
  return relay.call('POST', '/relay/calls/next', { token: credential, body: { boot: BOOT, ...changes } });
}

async function taken(changes: object = {}): Promise<readonly TakenCall[]> {
  return answerOf(relayRoutes['call.next'], await poll(changes)).calls;
}

async function tell(id: string, outcome: object, from: TestNode = target, boot = BOOT): Promise<unknown> {
  const body = { boot, outcome };
  const reply = await relay.call('POST', `/relay/calls/answers/${id}`, { token: from.credential, body });
  return answerOf(relayRoutes['call.answer'], reply).delivered;
}

/** Resolves once a gauge or counter has a value. */
function untilMetric(line: string): Promise<void> {
  const check = async (): Promise<void> =>
    expect((await relay.call('GET', '/metrics', { token: relay.adminToken })).text).toContain(`\n${line}\n`);
  return eventually(check, { limitMs: 20_000 });
}

describe('a call', () => {
  test('goes to the node that waits for one, and its answer back to whoever asked', async () => {
    const waiting = taken();
    await untilMetric('holdfast_relay_listening_nodes 1');
    const asking = ask({ from: { node: 'somebody else' } });
    const [call] = await waiting;
    expect(call).toMatchObject({
      from: { node: 'worker', agent: 'ada', resource: 'app:one' },
      call: 'echo',
      body: { n: 1 },
    });
    await expect(tell(call?.id ?? '', { answer: [2] })).resolves.toBe(true);
    expect(await asking).toMatchObject({ status: 200, json: { answer: [2] } });
    await untilMetric('holdfast_relay_calls_total{result="answered"} 1');
  });

  test('is given out once, and answered once, by the start that took it', async () => {
    await taken({ wait_seconds: 0 });
    const asking = ask();
    const [call] = await taken();
    expect(await taken({ wait_seconds: 0 })).toEqual([]);
    const { id = '' } = call ?? {};
    await expect(tell(id, { answer: 'forged' }, worker)).resolves.toBe(false);
    await expect(tell(id, { answer: 'forged' }, target, NEXT)).resolves.toBe(false);
    await expect(tell(id, { problem: { code: 'from-later', detail: 'no' } })).resolves.toBe(true);
    expect((await asking).json).toEqual({ problem: { code: 'from-later', detail: 'no' } });
    await expect(tell(id, { answer: 'again' })).resolves.toBe(false);
  });

  test('to a node that is not there, or does not listen, is refused at once', async () => {
    expect(codeOf(await ask({ node: 'nobody' }))).toBe('node-not-found');
    const { status, json } = await ask();
    expect([status, json]).toEqual([
      503,
      expect.objectContaining({
        code: 'node-unreachable',
        node: 'target',
        last_contact_at: new Date(relay.nowMs).toISOString(),
      }),
    ]);
    await relay.enrol('fresh');
    expect((await ask({ node: 'fresh' })).json).toMatchObject({ code: 'node-unreachable', last_contact_at: null });
  });

  test('that nobody answers in time may have been carried out, one that nobody took was not', async () => {
    const waiting = taken();
    await untilMetric('holdfast_relay_listening_nodes 1');
    const asking = ask({ timeout_seconds: 0.05 });
    expect(await waiting).toHaveLength(1);
    expect((await asking).json).toMatchObject({ status: 504, code: 'call-unanswered', retryable: false });
    await taken({ wait_seconds: 0 });
    expect(codeOf(await ask({ timeout_seconds: 0.05 }))).toBe('node-unreachable');
    expect(await taken({ wait_seconds: 0 })).toEqual([]);
  });

  test('is dropped when whoever asks goes away before it is taken', async () => {
    await taken({ wait_seconds: 0 });
    const outgoing = request(new URL('/relay/calls', relay.running.url), {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${worker.credential}`,
        'content-type': 'application/json',
        'holdfast-protocol': String(PROTOCOL_VERSION),
      },
    });
    outgoing.end(JSON.stringify(asked));
    await untilMetric('holdfast_relay_calls_under_way 1');
    const gone = once(outgoing, 'error');
    outgoing.destroy();
    await gone;
    await untilMetric('holdfast_relay_calls_under_way 0');
    expect(await taken({ wait_seconds: 0 })).toEqual([]);
  });

  test('that is too large, or no call, is refused', async () => {
    await taken({ wait_seconds: 0 });
    expect((await ask({ body: 'x'.repeat(limits.callBytes + 4096) })).status).toBe(413);
    for (const wrong of [
      { call: 'Echo' },
      { body: undefined },
      { agent: '' },
      { timeout_seconds: 31 },
      { node: '.' },
    ]) {
      expect(codeOf(await ask(wrong))).toBe('invalid-request');
    }
    const body = { boot: BOOT, outcome: { answer: 'x'.repeat(limits.callBytes + 4096) } };
    const path = `/relay/calls/answers/${'0'.repeat(32)}`;
    expect((await relay.call('POST', path, { token: target.credential, body })).status).toBe(413);
  });
});

describe('a start that does not speak for its node', () => {
  test('neither asks nor takes calls', async () => {
    expect(codeOf(await ask({ boot: NEXT }))).toBe('node-cloned');
    expect(codeOf(await poll({ boot: NEXT }))).toBe('node-cloned');
  });

  test('gets no calls any more once another one has a session, and no wait goes on', async () => {
    const old = poll();
    await untilMetric('holdfast_relay_listening_nodes 1');
    await target.session(NEXT, [BOOT]);
    expect(codeOf(await ask())).toBe('node-unreachable');
    await taken({ boot: NEXT, wait_seconds: 0 });
    expect(codeOf(await old)).toBe('node-cloned');
    const asking = ask();
    const [call] = await taken({ boot: NEXT });
    await expect(tell(call?.id ?? '', { answer: null }, target, NEXT)).resolves.toBe(true);
    expect((await asking).json).toEqual({ answer: null });
  });

  test('leaves whoever waits for its answer with none, at once', async () => {
    await taken({ wait_seconds: 0 });
    const asking = ask({ timeout_seconds: 30 });
    expect(await taken()).toHaveLength(1);
    await target.session(NEXT, [BOOT]);
    await taken({ boot: NEXT, wait_seconds: 0 });
    expect(codeOf(await asking)).toBe('call-unanswered');
  });
});

describe('a node that listens', () => {
  test('and asks for calls again takes the place of its own earlier wait', async () => {
    const first = taken();
    await untilMetric('holdfast_relay_listening_nodes 1');
    const second = taken();
    expect(await first).toEqual([]);
    const asking = ask();
    const [call] = await second;
    await tell(call?.id ?? '', { answer: 1 });
    expect((await asking).status).toBe(200);
  });

  test('does not hold up the end of the relay, nor does a call under way', async () => {
    const waiting = poll({}, worker);
    await taken({ wait_seconds: 0 });
    const asking = [ask({ timeout_seconds: 30 }), ask({ timeout_seconds: 30 })];
    await untilMetric('holdfast_relay_calls_under_way 2');
    await untilMetric('holdfast_relay_listening_nodes 2');
    await relay.running.stop();
    expect(codeOf(await waiting)).toBe('shutting-down');
    for (const reply of await Promise.all(asking)) expect(codeOf(reply)).toBe('shutting-down');
  });
});
