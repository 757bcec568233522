import { hash, randomUUID } from 'node:crypto';

import { type DaemonRouteId, daemonRoutes, type Route } from '@holdfast/protocol';

import type { ModelRelay } from './model-relay.ts';
import type { TestCall, TestDaemon } from './test-daemon.ts';

/** What stands in `ada`'s records and must never be seen by anybody else. */
export const SECRET = 'ada-keeps-this-to-herself';

/** What sample requests are about. */
export interface Stage {
  readonly daemon: TestDaemon;
  readonly relay: ModelRelay;
  readonly ada: string;
  readonly bob: string;
  /** A token of `ada` bound to the resource `app:one`. */
  readonly adaOne: string;
  /** The id of a token of `ada` that nobody uses. */
  readonly spareTokenId: string;
  /** The lease of the lock `held`, which is `ada`'s. */
  readonly lease: string;
}

/** A request that its route answers with success when `ada` or an admin for her sends it. */
export interface Sample extends Pick<TestCall, 'body'> {
  readonly path: string;
}

type Samples = { readonly [Id in DaemonRouteId]: (stage: Stage) => Sample };

const doc = { note: 'sample' };

/** The lease of each of `ada`'s tasks, which are called as what is done to them. */
const LEASE = '9c5b94b1-35ad-49bb-b118-8e8fc24abf80';
/** The key of `ada`'s session, and what it is stored under. */
const SESSION_KEY = 'a'.repeat(43);
const SESSION_ID = hash('sha256', SESSION_KEY, 'hex');
const heldTask = { type: 'sample', status: 'in_progress', worker: 'ada', lease: LEASE, due_at: '2999-01-01T00:00:00Z' };

/** What holds `SECRET`, by where `ada` keeps it. */
const secrets: Readonly<Record<string, object>> = {
  '/v1/records/notes/secret': { text: SECRET },
  '/v1/kv/secret': { text: SECRET },
  '/v1/cache/secret': { text: SECRET },
  '/v1/records/requisitions/secret': { text: SECRET },
  '/v1/records/interviews/secret': { text: SECRET },
  '/v1/records/interactions/secret': { text: SECRET },
  [`/v1/records/sessions/${SESSION_ID}`]: {
    user: 'u-1',
    data: { text: SECRET },
    started_at: '2026-11-20T10:54:56.123Z',
    extended_at: '2999-01-01T00:00:00Z',
  },
  '/v1/records/mail/letter': { from: 'ada', to: 'ada', sent_at: '2026-11-20T10:54:56.123Z', body: SECRET },
  ...Object.fromEntries(
    ['heartbeat', 'complete', 'fail', 'release'].map((id) => [
      `/v1/records/tasks/${id}`,
      { ...heldTask, payload: SECRET },
    ]),
  ),
};

/** Where `ada` keeps `SECRET`. */
export const SECRET_PATHS: readonly string[] = Object.keys(secrets);

/** One sample for every route: a route without one is a type error. */
const samples: Samples = {
  'record.put': () => ({ path: '/v1/records/notes/secret', body: doc }),
  'record.get': () => ({ path: '/v1/records/notes/secret' }),
  'record.patch': () => ({ path: '/v1/records/notes/secret', body: doc }),
  'record.delete': () => ({ path: '/v1/records/notes/secret' }),
  'record.create': () => ({ path: '/v1/records/notes', body: doc }),
  'record.query': () => ({ path: '/v1/records/notes/query', body: {} }),
  'network.query': () => ({ path: '/v1/network/query', body: {} }),
  'replica.query': () => ({ path: '/v1/replica/query', body: {} }),
  'replica.get': () => ({ path: '/v1/replica/records/candidates/c-1' }),
  'subscription.list': () => ({ path: '/v1/subscriptions' }),
  'subscription.put': () => ({ path: '/v1/subscriptions/candidates', body: { collections: ['candidates'] } }),
  'subscription.remove': () => ({ path: '/v1/subscriptions/candidates' }),
  batch: () => ({
    path: '/v1/batch',
    body: [
      { op: 'patch', collection: 'notes', id: 'secret', doc },
      { op: 'delete', collection: 'kv', id: 'secret' },
    ],
  }),
  'kv.put': () => ({ path: '/v1/kv/secret', body: doc }),
  'kv.get': () => ({ path: '/v1/kv/secret' }),
  'kv.delete': () => ({ path: '/v1/kv/secret' }),
  'kv.list': () => ({ path: '/v1/kv' }),
  'context.put': () => ({ path: '/v1/context/sample', body: doc }),
  'context.get': () => ({ path: '/v1/context/sample' }),
  'context.patch': () => ({ path: '/v1/context/sample', body: doc }),
  'context.delete': () => ({ path: '/v1/context/sample' }),
  'context.list': () => ({ path: '/v1/context' }),
  watch: () => ({ path: '/v1/watch/context' }),
  'collection.list': () => ({ path: '/v1/collections' }),
  'collection.get': () => ({ path: '/v1/collections/kv' }),
  'collection.put': () => ({ path: '/v1/collections/leads', body: { fields: { company: { type: 'text' } } } }),
  'collection.delete': () => ({ path: '/v1/collections/secret' }),
  'task.claim': () => ({ path: '/v1/claims', body: {} }),
  'task.heartbeat': () => ({ path: '/v1/tasks/heartbeat/heartbeat', body: { lease: LEASE } }),
  'task.complete': () => ({ path: '/v1/tasks/complete/complete', body: { lease: LEASE } }),
  'task.fail': () => ({ path: '/v1/tasks/fail/fail', body: { lease: LEASE, error: 'sample' } }),
  'task.release': () => ({ path: '/v1/tasks/release/release', body: { lease: LEASE } }),
  'registry.heartbeat': () => ({ path: '/v1/registry/heartbeat', body: { status: 'busy' } }),
  'registry.list': () => ({ path: '/v1/registry' }),
  'mail.send': () => ({ path: '/v1/mail', body: { to: 'bob', body: 'sample' } }),
  'mail.inbox': () => ({ path: '/v1/mail' }),
  'mail.read': () => ({ path: '/v1/mail/letter/read' }),
  'channel.publish': () => ({ path: '/v1/channels/news', body: doc }),
  'channel.listen': () => ({ path: '/v1/channels/news' }),
  'channel.presence': () => ({ path: '/v1/presence/*' }),
  'lock.acquire': () => ({ path: `/v1/locks/${randomUUID()}`, body: {} }),
  'lock.list': () => ({ path: '/v1/locks' }),
  'lock.get': () => ({ path: '/v1/locks/held' }),
  'lease.renew': ({ lease }) => ({ path: `/v1/leases/${lease}/renew`, body: {} }),
  'lease.release': () => ({ path: `/v1/leases/node.${'0'.repeat(32)}` }),
  'candidate.duplicates': () => ({ path: '/v1/candidates/duplicates' }),
  'requisition.matches': () => ({ path: '/v1/requisitions/secret/matches' }),
  'interview.upcoming': () => ({ path: '/v1/interviews/upcoming' }),
  'interview.outcome': () => ({ path: '/v1/interviews/secret/outcome', body: { outcome: 'pass' } }),
  'interaction.pending': () => ({ path: '/v1/interactions/pending' }),
  'interaction.acknowledge': () => ({ path: '/v1/interactions/secret/acknowledge', body: {} }),
  'limit.take': () => ({ path: '/v1/limits/api', body: { limit: 1000, window_seconds: 60 } }),
  'session.create': () => ({ path: '/v1/sessions', body: { user: 'u-1' } }),
  'session.list': () => ({ path: '/v1/sessions?user=u-1' }),
  'session.check': () => ({ path: '/v1/sessions/check', body: { key: SESSION_KEY } }),
  'session.change': () => ({ path: '/v1/sessions/change', body: { key: SESSION_KEY, data: { note: 'sample' } } }),
  'session.revoke': () => ({ path: '/v1/sessions/revoke', body: { key: SESSION_KEY } }),
  'cache.get': () => ({ path: '/v1/cache/secret' }),
  'cache.put': () => ({ path: '/v1/cache/secret', body: doc }),
  'cache.delete': () => ({ path: '/v1/cache/secret' }),
  'cache.invalidate': () => ({ path: '/v1/cache/invalidate', body: { prefix: 'sec' } }),
  'cache.figures': () => ({ path: '/v1/cache' }),
  'status.agent': () => ({ path: '/v1/status' }),
  'status.node': () => ({ path: '/v1/node' }),
  'node.join': ({ relay }) => ({ path: '/v1/node/join', body: { relay: relay.url, token: 'join', name: 'test-node' } }),
  'node.adopt': ({ relay }) => ({
    path: '/v1/node/adopt',
    body: { relay: relay.url, token: 'join', name: 'test-node' },
  }),
  'node.reidentify': () => ({ path: '/v1/node/reidentify', body: { token: 'join', name: 'other-node' } }),
  'agent.restore': () => ({ path: '/v1/agents/bob/restore', body: { from: 'relay' } }),
  'agent.restore.status': () => ({ path: '/v1/agents/bob/restore' }),
  'backup.start': () => ({ path: '/v1/backups' }),
  'backup.list': () => ({ path: '/v1/backups' }),
  'retention.run': () => ({ path: '/v1/retention', body: { dry_run: true } }),
  'retention.show': () => ({ path: '/v1/retention' }),
  statistics: () => ({ path: '/v1/statistics' }),
  'agent.list': () => ({ path: '/v1/agents' }),
  'agent.create': () => ({ path: '/v1/agents', body: { name: 'carol' } }),
  'agent.token': () => ({ path: '/v1/agents/ada/tokens', body: {} }),
  'agent.token.revoke': ({ spareTokenId }) => ({ path: `/v1/agents/ada/tokens/${spareTokenId}` }),
  'dead-letter.list': () => ({ path: '/v1/dead-letters' }),
  'dead-letter.retry': () => ({ path: '/v1/dead-letters/ada/1/retry' }),
  'dead-letter.drop': () => ({ path: '/v1/dead-letters/ada/1' }),
};

/** The ids of all routes. */
export const routeIds = Object.keys(daemonRoutes) as DaemonRouteId[];

/** A route's sample as `TestDaemon.call` takes it. */
export function sampleCall(id: DaemonRouteId, stage: Stage): readonly [target: string, call: TestCall] {
  const { path, body } = samples[id](stage);
  return [`${daemonRoutes[id].method} ${path}`, body === undefined ? {} : { body }];
}

/** Whether a route's answer has an end: that of an event stream has none. */
export function hasEnd(id: DaemonRouteId): boolean {
  const { answer }: Route = daemonRoutes[id];
  return answer.kind !== 'events';
}

/** Whether a route lets a role in. */
export function lets(id: DaemonRouteId, role: 'agent' | 'admin'): boolean {
  return (daemonRoutes[id].roles as readonly string[]).includes(role);
}

/** Two agents; `ada` has the same keys without a resource and in `app:one`, each with its own secret. */
export async function setStage(daemon: TestDaemon, relay: ModelRelay): Promise<Stage> {
  const ada = await daemon.agent('ada');
  const bob = await daemon.agent('bob');
  const adaOne = await daemon.boundToken('ada', 'app:one');
  const spare = await daemon.call('POST /v1/agents/ada/tokens', { body: {} });
  for (const token of [ada, adaOne]) {
    for (const [path, body] of Object.entries(secrets)) await daemon.call(`PUT ${path}`, { token, body });
  }
  const held = await daemon.call('POST /v1/locks/held', { token: ada, body: { ttl_seconds: 86_400 } });
  const lease = held.json.lease as string;
  return { daemon, relay, ada, bob, adaOne, spareTokenId: spare.json.id as string, lease };
}
