import type { AskNode } from '@holdfast/daemon';
import type { Json } from '@holdfast/protocol';
import { eventually } from '@holdfast/testkit';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ModelRelay, type RelayFault } from './support/model-relay.ts';
import { TestDaemon } from './support/test-daemon.ts';

const ASK = '/relay/calls';
const NEXT = '/relay/calls/next';
const PATIENCE = { limitMs: 20_000 };
const OLDER = 'the relay knows no calls of nodes to each other: it is older';

let daemon: TestDaemon;
let relay: ModelRelay;
let askNode: AskNode;
let told: string[];

beforeEach(async () => {
  relay = await ModelRelay.start();
  told = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void told.push(line) });
  daemon = await TestDaemon.start({
    log,
    config: { 'sync.timeoutSeconds': 1, 'sync.heartbeatSeconds': 1 },
    calls: (ask) => {
      askNode = ask;
      return {};
    },
  });
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

const ask = (more: object = {}): Promise<Json> => {
  const asked = { node: 'other', agent: 'ada', resource: '', call: 'echo', body: 1, ...more };
  return askNode(asked, new AbortController().signal);
};
const join = (): Promise<unknown> =>
  daemon.call('POST /v1/node/join', { body: { relay: relay.url, token: 'join', name: 'test-node' } });
const until = (standing: object): Promise<void> =>
  eventually(async () => expect((await daemon.call('GET /v1/node')).json.relay).toMatchObject(standing), PATIENCE);
const answer = (status: number, body: object, headers?: Record<string, string>): RelayFault => ({
  kind: 'answer',
  status,
  body: JSON.stringify(body),
  ...(headers && { headers }),
});

describe('with a relay that knows no calls, a node', () => {
  beforeEach(join);

  test('goes on without, says so once, and asks again when the link was lost', async () => {
    await relay.until(() => relay.callsOf(NEXT).length === 1);
    await until({ state: 'open', takes_calls: false });
    await expect(ask()).rejects.toMatchObject({ code: 'call-unsupported' });
    await daemon.agent('ada');
    const written = await daemon.call('PUT /v1/kv/a?ack=relay', { headers: { 'holdfast-agent': 'ada' }, body: 1 });
    expect(written.json.ack).toBe('relay');
    relay.fail('/relay/session', { kind: 'reset' }, 1);
    await relay.until(() => relay.callsOf(NEXT).length === 2);
    relay.heal();
    await until({ state: 'open', takes_calls: false });
    expect(told.filter((line) => line.includes(OLDER))).toHaveLength(1);
  });
});

describe('a call that the relay', () => {
  beforeEach(async () => {
    await join();
    await relay.until(() => relay.callsOf(NEXT).length === 1);
    await until({ state: 'open' });
  });

  test.each<[string, RelayFault]>([
    ['took and did not answer', { kind: 'reset' }],
    ['did, and whose answer was lost', { kind: 'lose-answer' }],
    ['did, and whose answer broke off', { kind: 'half-answer' }],
    ['failed in', answer(500, { code: 'internal', detail: 'a bug' })],
    ['answered with nonsense', answer(200, { what: 'ever' })],
    ['says nobody answered', answer(504, { code: 'call-unanswered', detail: 'no answer' })],
  ])('%s may have been carried out', async (_what, fault) => {
    relay.fail(ASK, fault, 1);
    await expect(ask()).rejects.toMatchObject({ code: 'call-unanswered' });
    relay.heal();
  });

  test('is silent about is given up after its time, and may have been carried out', async () => {
    relay.fail(ASK, { kind: 'hang' }, 1);
    await expect(ask({ timeoutSeconds: 0.1 })).rejects.toMatchObject({ code: 'call-unanswered' });
    relay.heal();
  });

  test.each<[string, RelayFault, object]>([
    ['is about to stop', answer(503, { code: 'shutting-down', detail: 'bye' }), { code: 'relay-unreachable' }],
    ['does not know the node in', answer(401, { code: 'unauthenticated' }), { code: 'relay-unreachable' }],
    ['knows another start of the node for', answer(409, { code: 'node-cloned' }), { code: 'relay-unreachable' }],
    [
      'has no room for',
      answer(429, { code: 'too-many-requests', detail: 'too many calls' }, { 'retry-after': '3' }),
      { code: 'too-many-requests', message: 'too many calls', retryAfterSeconds: 3 },
    ],
    [
      'has the other node answer with a code of later',
      answer(200, { problem: { code: 'of-later', detail: 'x' } }),
      {
        code: 'internal',
        message: 'the other node answered of-later: x',
      },
    ],
  ])('%s was not, and says why', async (_what, fault, failure) => {
    relay.fail(ASK, fault, 1);
    await expect(ask()).rejects.toMatchObject(failure);
    relay.heal();
  });

  test('cannot be sent to was not carried out', async () => {
    await relay[Symbol.asyncDispose]();
    // A connection that is being closed may have taken the first of them along.
    const expectAway = (): Promise<void> => expect(ask()).rejects.toMatchObject({ code: 'relay-unreachable' });
    await eventually(expectAway, PATIENCE);
    relay = await ModelRelay.start();
  });
});

describe('a node whose wait for calls', () => {
  test('fails and breaks off tries again until it can be called', async () => {
    relay.fail(NEXT, answer(503, { code: 'queue-full' }), 2);
    relay.fail(NEXT, { kind: 'reset' }, 1);
    relay.fail(NEXT, answer(200, { calls: [] }), 1);
    relay.fail(NEXT, { kind: 'hang' });
    await join();
    await until({ state: 'open', takes_calls: true });
    for (const { body } of relay.callsOf(NEXT).slice(0, 4)) expect(body).toMatchObject({ wait_seconds: 0 });
    relay.forgive();
  });

  test('is refused for another start takes none, and its link rests', async () => {
    relay.fail(NEXT, answer(409, { code: 'node-cloned', detail: 'another' }), 1);
    await join();
    await until({ state: 'cloned', takes_calls: false });
    relay.heal();
    expect(relay.callsOf(NEXT)).toHaveLength(1);
  });
});
