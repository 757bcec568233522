import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { pageOf, TestRelay } from './relay-fixture.ts';

/** A request as a daemon of wire version 1 sent it, and what the relay of its day answered, without what differs each time. */
interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly base64?: string;
  readonly status: number;
  readonly answer: object;
}

/**
 * All that one daemon of release 0.1.0 said to its relay: it joined, wrote, waited for the relay behind a long batch, missed an
 * answer, started again, and was put back to an older copy of itself.
 */
const exchanges = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures', 'wire-1', 'node.json'), 'utf8'),
) as readonly Exchange[];

const callOf = ({ method, path }: Exchange): string => `${method} ${new URL(path, 'http://relay').pathname}`;

describe('a daemon of wire version 1', () => {
  it('is captured with every call it makes, plain and compressed', () => {
    expect(new Set(exchanges.map((exchange) => callOf(exchange)))).toEqual(
      new Set([
        'POST /relay/join',
        'POST /relay/session',
        'POST /relay/batch',
        'POST /relay/immediate',
        'GET /relay/streams/recruiter',
      ]),
    );
    expect(new Set(exchanges.map(({ headers }) => headers['holdfast-protocol']))).toEqual(new Set(['1']));
    expect(exchanges.map(({ headers }) => headers['content-encoding'])).toContain('zstd');
    expect(exchanges.map(({ status }) => status)).toContain(409);
  });

  it('is answered as the relay of its day did', async () => {
    await using relay = await new TestRelay({ 'lease.seconds': 1 }).start();
    let token = await relay.invite('htpc');
    for (const exchange of exchanges) {
      // Longer than the lease, as it was when the older copy came back.
      relay.nowMs += 2000;
      const { method, path, headers, text, base64, status, answer } = exchange;
      const body = base64 === undefined ? text : Buffer.from(base64, 'base64');
      const reply = await relay.call(method, path, { token, body, headers });
      expect([callOf(exchange), reply.status]).toEqual([callOf(exchange), status]);
      expect(reply.json).toMatchObject(answer);
      const { credential } = reply.json ?? {};
      if (typeof credential === 'string') token = credential;
    }
    const { records } = pageOf(await relay.call('POST', '/relay/query', { token, body: { limit: 1000 } }));
    const docs = new Map(records.map(({ id, doc }) => [id, doc]));
    expect(docs.get('lost')).toEqual({ answer: true });
    expect(docs.get('many-3')).toEqual({ changed: 'after the copy' });
    expect(docs.get('back')).toEqual({ from: 'an older copy' });
    // One was deleted, one expired long before this relay's time.
    expect([docs.has('a'), docs.has('soon')]).toEqual([false, false]);
    expect(docs).toHaveProperty('size', 35);
  });
});
