import { type DaemonRouteId, daemonRoutes } from '@holdfast/protocol';

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
}

/** A request that its route answers with success when `ada` or an admin for her sends it. */
export interface Sample extends Pick<TestCall, 'body'> {
  readonly path: string;
}

type Samples = { readonly [Id in DaemonRouteId]: (stage: Stage) => Sample };

const doc = { note: 'sample' };

/** One sample for every route: a route without one is a type error. */
const samples: Samples = {
  'record.put': () => ({ path: '/v1/records/notes/secret', body: doc }),
  'record.get': () => ({ path: '/v1/records/notes/secret' }),
  'record.patch': () => ({ path: '/v1/records/notes/secret', body: doc }),
  'record.delete': () => ({ path: '/v1/records/notes/secret' }),
  'record.create': () => ({ path: '/v1/records/notes', body: doc }),
  'record.query': () => ({ path: '/v1/records/notes/query', body: {} }),
  'network.query': () => ({ path: '/v1/network/query', body: {} }),
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
  'collection.list': () => ({ path: '/v1/collections' }),
  'collection.get': () => ({ path: '/v1/collections/kv' }),
  'collection.put': () => ({ path: '/v1/collections/leads', body: { fields: { company: { type: 'text' } } } }),
  'collection.delete': () => ({ path: '/v1/collections/secret' }),
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
    await daemon.call('PUT /v1/records/notes/secret', { token, body: { text: SECRET } });
    await daemon.call('PUT /v1/kv/secret', { token, body: { text: SECRET } });
  }
  return { daemon, relay, ada, bob, adaOne, spareTokenId: spare.json.id as string };
}
