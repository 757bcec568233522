import type { Handlers } from '@holdfast/http';
import type { relayRoutes, RelayRouteId } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { RelayService } from '../service/relay-service.ts';
import { assertWireVersion } from './wire-version.ts';

/** The routes about locks of the network. */
export type LockRouteId = Extract<RelayRouteId, `lock.${string}`>;

/** Answers nodes about locks of the network. All of these need the `Holdfast-Protocol` header. */
export function lockHandlers({
  locks,
  disk,
}: Pick<RelayService, 'locks' | 'disk'>): Handlers<Pick<typeof relayRoutes, LockRouteId>, RelayCaller> {
  return {
    'lock.acquire': async ({ identity, header, body, signal }) => {
      assertWireVersion(header);
      disk.assertRoom();
      return { json: await locks.acquire(identity.name, body.value, signal) };
    },
    'lock.renew': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await locks.renew(identity.name, body.value) };
    },
    'lock.release': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await locks.release(identity.name, body.value) };
    },
    'lock.list': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await locks.list(identity.name, body.value) };
    },
    'lock.find': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await locks.find(identity.name, body.value) };
    },
  };
}
