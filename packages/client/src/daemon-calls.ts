import type { Calls, DaemonRoutes } from './calls.ts';

/** The daemon's calls. Written by hand so that zod need not be loaded; the type holds each to protocol's own table. */
export const daemonCalls: Calls<DaemonRoutes> = {
  'record.put': { method: 'PUT', path: '/v1/records/{collection}/{id}' },
  'record.get': { method: 'GET', path: '/v1/records/{collection}/{id}' },
  'record.patch': { method: 'PATCH', path: '/v1/records/{collection}/{id}' },
  'record.delete': { method: 'DELETE', path: '/v1/records/{collection}/{id}' },
  'record.create': { method: 'POST', path: '/v1/records/{collection}' },
  'record.query': { method: 'POST', path: '/v1/records/{collection}/query' },
  batch: { method: 'POST', path: '/v1/batch' },
  'kv.put': { method: 'PUT', path: '/v1/kv/{key}' },
  'kv.get': { method: 'GET', path: '/v1/kv/{key}' },
  'kv.delete': { method: 'DELETE', path: '/v1/kv/{key}' },
  'kv.list': { method: 'GET', path: '/v1/kv' },
  'collection.list': { method: 'GET', path: '/v1/collections' },
  'collection.get': { method: 'GET', path: '/v1/collections/{name}' },
  'status.agent': { method: 'GET', path: '/v1/status' },
  'status.node': { method: 'GET', path: '/v1/node' },
  'node.join': { method: 'POST', path: '/v1/node/join' },
  'agent.list': { method: 'GET', path: '/v1/agents' },
  'agent.create': { method: 'POST', path: '/v1/agents' },
  'agent.token': { method: 'POST', path: '/v1/agents/{agent}/tokens' },
  'agent.token.revoke': { method: 'DELETE', path: '/v1/agents/{agent}/tokens/{id}' },
  'dead-letter.list': { method: 'GET', path: '/v1/dead-letters' },
  'dead-letter.retry': { method: 'POST', path: '/v1/dead-letters/{agent}/{id}/retry' },
  'dead-letter.drop': { method: 'DELETE', path: '/v1/dead-letters/{agent}/{id}' },
};
