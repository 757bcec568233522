import type { Handlers } from '@holdfast/http';
import { collectionKind, type relayRoutes, type RelayRouteId } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { Desk, RelayService } from '../service/relay-service.ts';
import type { LockRouteId } from './lock-handlers.ts';
import type { RetentionRouteId } from './retention-handlers.ts';

type DeskRouteId = Exclude<
  RelayRouteId,
  | `call.${string}`
  | 'feed'
  | LockRouteId
  | 'query'
  | 'session'
  | 'batch'
  | 'immediate'
  | 'stream'
  | 'digest'
  | 'copy'
  | 'join'
  | `channel.${string}`
  | 'status'
  | 'backup.start'
  | 'backup.list'
  | RetentionRouteId
>;

/** Answers what people and their tools call. */
export function deskHandlers({
  desk,
  sync,
  access,
}: Pick<RelayService, 'desk' | 'sync' | 'access'>): Handlers<Pick<typeof relayRoutes, DeskRouteId>, RelayCaller> {
  return {
    nodes: async () => ({ json: { nodes: await desk.nodes() } }),
    collections: async () => ({ json: { collections: (await desk.collections()).map(described) } }),
    'dead-letter.list': async ({ query }) => ({ json: { dead_letters: await desk.deadLetters(query.limit) } }),
    'dead-letter.get': async ({ params }) => ({ json: await desk.deadLetter(params.id) }),
    'dead-letter.retry': async ({ params }) => ({ json: await sync.retryDeadLetter(params.id) }),
    'dead-letter.drop': async ({ params }) => {
      await desk.dropDeadLetter(params.id);
      return {};
    },
    invite: async ({ body }) => ({ json: await access.invite(body.value) }),
    token: async ({ body }) => ({ json: await access.createToken(body.value.role, body.value.name) }),
  };
}

type Known = Awaited<ReturnType<Desk['collections']>>[number];

function described({ name, records, declared, unindexed }: Known): Record<string, unknown> {
  const { name: _name, help = '', document: _document, writtenBy: _call, ...declaration } = declared ?? { name };
  return {
    name,
    kind: collectionKind(name, declared),
    help,
    records,
    ...(declared !== undefined && { declaration }),
    ...(unindexed.length > 0 && { unindexed }),
  };
}
