import type { Handlers } from '@holdfast/http';
import { type relayRoutes, type RelayRouteId } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import { BatchReader } from '../service/batch-reader.ts';
import type { RelayService } from '../service/relay-service.ts';
import { assertWireVersion } from './wire-version.ts';

/** The routes of what nodes call. */
export type NodeRouteId = Extract<
  RelayRouteId,
  'session' | 'batch' | 'immediate' | 'stream' | 'digest' | 'copy' | 'join'
>;

/** Answers what nodes call. All of these need the `Holdfast-Protocol` header. */
export function nodeHandlers({
  sync,
  access,
  disk,
}: Pick<RelayService, 'sync' | 'access' | 'disk'>): Handlers<Pick<typeof relayRoutes, NodeRouteId>, RelayCaller> {
  return {
    session: async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await sync.openSession(identity.name, body.value) };
    },
    batch: async ({ identity, header, body }) => {
      assertWireVersion(header);
      disk.assertRoom();
      const reader = new BatchReader();
      for await (const lines of body.lines) for (const line of lines) reader.add(line);
      return { json: await sync.takeBatch(identity.name, reader.finish()) };
    },
    immediate: async ({ identity, header, body }) => {
      assertWireVersion(header);
      disk.assertRoom();
      return { json: await sync.takeImmediate(identity.name, body.value, body.source) };
    },
    stream: async ({ identity, header, params, query }) => {
      const wireVersion = assertWireVersion(header);
      const stream = { node: identity.name, agent: params.agent, incarnation: query.incarnation };
      return { json: await sync.streamPage(stream, query.after, wireVersion) };
    },
    digest: async ({ identity, header, params }) => {
      assertWireVersion(header);
      return { json: await sync.buckets(identity.name, params.agent) };
    },
    copy: async ({ identity, header, params, query }) => {
      assertWireVersion(header);
      return { json: await sync.copyPage(identity.name, params.agent, query) };
    },
    join: async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await access.join(identity, body.value.node) };
    },
  };
}
