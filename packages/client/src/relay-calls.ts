import type { Calls, RelayRoutes } from './calls.ts';

/** The relay's calls that are not between nodes and relay only. */
export type OperatorRoutes = Omit<
  RelayRoutes,
  'session' | 'batch' | 'immediate' | 'stream' | 'digest' | 'copy' | 'join' | `${'call' | 'channel' | 'lock'}.${string}`
>;

/** The relay's calls for people and tools. Written by hand as the daemon's are, and held to protocol's table as they are. */
export const relayCalls: Calls<OperatorRoutes> = {
  query: { method: 'POST', path: '/relay/query' },
  feed: { method: 'GET', path: '/relay/feed' },
  status: { method: 'GET', path: '/relay/status' },
  nodes: { method: 'GET', path: '/relay/nodes' },
  collections: { method: 'GET', path: '/relay/collections' },
  'dead-letter.list': { method: 'GET', path: '/relay/dead-letters' },
  'dead-letter.get': { method: 'GET', path: '/relay/dead-letters/{id}' },
  'dead-letter.retry': { method: 'POST', path: '/relay/dead-letters/{id}/retry' },
  'dead-letter.drop': { method: 'DELETE', path: '/relay/dead-letters/{id}' },
  invite: { method: 'POST', path: '/relay/join-tokens' },
  'backup.start': { method: 'POST', path: '/relay/backups' },
  'backup.list': { method: 'GET', path: '/relay/backups' },
  'retention.run': { method: 'POST', path: '/relay/retention' },
  'retention.show': { method: 'GET', path: '/relay/retention' },
  statistics: { method: 'GET', path: '/relay/statistics' },
  token: { method: 'POST', path: '/relay/tokens' },
};
