import { CONTEXT, type daemonRoutes, DECLARATIONS, type Document, makeRecordId, type Now } from '@holdfast/protocol';
import type { Answer, Handlers, ReadHeader } from '@holdfast/http';
import type { StoreOperation, Write } from '@holdfast/store';

import { type Records, requestFingerprint } from '../service/records.ts';
import type { Ack } from '../sync/ack.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { assertUnguarded } from './guarded.ts';
import { ackWish, fencesOf, idempotencyOf, preconditionOf } from './write-headers.ts';

type WriteRouteId =
  | `${'record' | 'context'}.${'put' | 'patch' | 'delete'}`
  | 'record.create'
  | `${'kv' | 'collection'}.${'put' | 'delete'}`;

interface WriteCall {
  readonly identity: DaemonCaller;
  readonly header: ReadHeader;
  readonly query: { readonly ack?: Ack | undefined; readonly timeout?: number | undefined };
}

interface PutCall extends WriteCall {
  readonly body: Document;
  readonly query: WriteCall['query'] & { readonly ttl?: number | undefined };
}

/** Answers the calls that change one record. */
export function writeHandlers(
  records: Records,
  now: Now,
): Handlers<Pick<typeof daemonRoutes, WriteRouteId>, DaemonCaller> {
  const write = (call: WriteCall, operation: StoreOperation, idempotency: Pick<Write, 'idempotency'> = {}) =>
    writeOne(records, call, { operations: [operation], ...idempotency });
  const put = (call: PutCall, collection: string, id: string): Promise<Answer> =>
    write(call, { ...putOperation(call, now), collection, id, ...preconditionOf(call.header) });
  const patch = (call: PutCall, collection: string, id: string): Promise<Answer> => {
    const { body, query, header } = call;
    const expiry = query.ttl === undefined ? {} : { expiresAtMs: now() + query.ttl * 1000 };
    return write(call, { op: 'patch', collection, id, patch: body, ...expiry, ...preconditionOf(header) });
  };
  const remove = (call: WriteCall, collection: string, id: string): Promise<Answer> =>
    write(call, { op: 'delete', collection, id, ...preconditionOf(call.header) });
  return {
    'record.put': (call) => put(call, call.params.collection, call.params.id),
    'record.delete': (call) => remove(call, call.params.collection, call.params.id),
    'kv.put': (call) => put(call, 'kv', call.params.key),
    'kv.delete': (call) => remove(call, 'kv', call.params.key),
    'collection.put': (call) => put(call, DECLARATIONS, call.params.name),
    'collection.delete': (call) => remove(call, DECLARATIONS, call.params.name),
    'context.put': (call) => put(call, CONTEXT, call.params.key),
    'context.delete': (call) => remove(call, CONTEXT, call.params.key),
    'record.patch': (call) => patch(call, call.params.collection, call.params.id),
    'context.patch': (call) => patch(call, CONTEXT, call.params.key),
    'record.create': async (call) => {
      const { collection } = call.params;
      const id = makeRecordId();
      const fingerprint = (): string =>
        requestFingerprint('create', collection, String(call.query.ttl), call.body.text);
      const operation = { ...putOperation(call, now), collection, id };
      const answer = await write(call, operation, idempotencyOf(call.header, fingerprint));
      return created(answer, collection);
    },
  };
}

function putOperation(call: PutCall, now: Now): Omit<Extract<StoreOperation, { op: 'put' }>, 'collection' | 'id'> {
  const { ttl } = call.query;
  return { op: 'put', document: call.body, expiresAtMs: ttl === undefined ? null : now() + ttl * 1000 };
}

async function writeOne(records: Records, call: WriteCall, write: Omit<Write, 'resource'>): Promise<Answer> {
  for (const { collection } of write.operations) assertUnguarded(collection);
  const wish = ackWish(call.query);
  const fenced = { ...write, ...fencesOf(call.header) };
  const { results, ack } = await records.write(scopeOf(call.identity), fenced, wish);
  const [result] = results;
  if (result === undefined) throw new Error('a write was left without a result');
  const { id, version, seq } = result;
  return {
    ...(ack !== wish.ack && { status: 202 }),
    headers: { etag: `"${version}"` },
    text: `{"id":${JSON.stringify(id)},"version":"${version}","seq":${seq},"ack":"${ack}"}`,
  };
}

// The id comes from the answer: the same Idempotency-Key again gives the id made the first time.
function created(answer: Answer, collection: string): Answer {
  const { id } = JSON.parse(answer.text ?? '{}') as { id: string };
  const location = `/v1/records/${collection}/${encodeURIComponent(id)}`;
  return { ...answer, headers: { ...answer.headers, location } };
}
