import type { Handlers } from '@holdfast/http';
import { HoldfastError, limits, type relayRoutes, type RelayRouteId, utf8Length } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { RelayService } from '../service/relay-service.ts';
import { assertWireVersion } from './wire-version.ts';

type CallRouteId = Extract<RelayRouteId, `call.${string}`>;

/** What a call or an answer may have around what is asked or answered. */
const ENVELOPE_BYTES = 4096;

/** Answers nodes that call each other. All of these need the `Holdfast-Protocol` header. */
export function callHandlers({
  calls,
}: Pick<RelayService, 'calls'>): Handlers<Pick<typeof relayRoutes, CallRouteId>, RelayCaller> {
  return {
    'call.ask': async ({ identity, header, body, signal }) => {
      assertWireVersion(header);
      return { json: await calls.ask(identity.name, body.value, bytesOf(body.source), signal) };
    },
    'call.next': async ({ identity, header, body, signal }) => {
      assertWireVersion(header);
      return { json: await calls.next(identity.name, body.value, signal) };
    },
    'call.answer': async ({ identity, header, params, body }) => {
      assertWireVersion(header);
      bytesOf(body.source);
      return { json: await calls.answer(identity.name, params.id, body.value) };
    },
  };
}

function bytesOf(source: string): number {
  const bytes = utf8Length(source);
  if (bytes <= limits.callBytes + ENVELOPE_BYTES) return bytes;
  throw new HoldfastError('body-too-large', `what nodes ask and answer is at most ${limits.callBytes} bytes`);
}
