import { eventually } from '@holdfast/testkit';
import { expect } from 'vitest';

import type { AnyJson, TestDaemon, TestReply } from './test-daemon.ts';

const LIMIT_MS = 60_000;

/** Long enough that a few dozen values fill several pages. */
export function valueOf(name: string): { readonly name: string; readonly fill: string } {
  return { name, fill: 'x'.repeat(400) };
}

/** Sets the keys `<prefix>0`, `<prefix>1`, … of an agent in one batch. */
export async function putKeys(daemon: TestDaemon, agent: string, prefix: string, count: number): Promise<void> {
  const body = keyNames(prefix, count).map((id) => ({ op: 'put', collection: 'kv', id, doc: valueOf(id) }));
  for (let at = 0; at < count; at += 1000) {
    const reply = await daemon.call('POST /v1/batch', {
      headers: { 'holdfast-agent': agent },
      body: body.slice(at, at + 1000),
    });
    expect(reply.status).toBe(200);
  }
}

/** The names `putKeys` gives. */
export function keyNames(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** All keys an agent has, in order; each must hold what `putKeys` put there. */
export async function keysOf(daemon: TestDaemon, agent: string): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | null = ''; after !== null;) {
    const query: string = after === '' ? '' : `&after=${after}`;
    const reply: TestReply = await daemon.call(`GET /v1/kv?limit=1000${query}`, {
      headers: { 'holdfast-agent': agent },
    });
    expect(reply.status).toBe(200);
    for (const { key, value } of reply.json.entries as { key: string; value: unknown }[]) {
      expect(value).toEqual(valueOf(key));
      keys.push(key);
    }
    after = reply.json.next as string | null;
  }
  return keys;
}

/** What the daemon says of an agent. */
export async function statusOf(daemon: Pick<TestDaemon, 'call'>, agent: string): Promise<AnyJson> {
  const { json } = await daemon.call('GET /v1/node');
  return (json.agents as AnyJson[]).find((each) => each.agent === agent);
}

/** Waits until the relay holds everything of an agent and both say that it is the same. */
export function untilEqual(daemon: TestDaemon, agent: string): Promise<void> {
  return eventually(
    async () => {
      expect(await statusOf(daemon, agent)).toMatchObject({
        state: 'ok',
        sync: 'clean',
        digest: 'equal',
        outbox: { records: 0 },
      });
    },
    { limitMs: LIMIT_MS },
  );
}

/** Restores an agent; gives the answer once that has ended. */
export async function restore(daemon: TestDaemon, agent: string, body: unknown = { from: 'relay' }): Promise<AnyJson> {
  const begun = await daemon.call(`POST /v1/agents/${agent}/restore`, { body });
  expect(begun.status).toBe(202);
  return untilRestored(daemon, agent);
}

/** Waits until restoring an agent has ended; gives the answer. */
export async function untilRestored(daemon: TestDaemon, agent: string): Promise<AnyJson> {
  const { json } = await eventually(
    async () => {
      const reply = await daemon.call(`GET /v1/agents/${agent}/restore`);
      expect(reply.json.state).toMatch(/done|failed/);
      return reply;
    },
    { limitMs: LIMIT_MS },
  );
  return json;
}
