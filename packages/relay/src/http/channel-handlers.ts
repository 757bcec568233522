import type { Handlers, ServerEvent } from '@holdfast/http';
import type { relayRoutes, RelayRouteId } from '@holdfast/protocol';

import type { RelayCaller } from '../service/access.ts';
import type { RelayService } from '../service/relay-service.ts';
import { assertWireVersion } from './wire-version.ts';

type ChannelRouteId = Extract<RelayRouteId, `channel.${string}`>;

/** Carries messages on channels from node to node. All of these need the `Holdfast-Protocol` header. */
export function channelHandlers({
  channels,
}: Pick<RelayService, 'channels'>): Handlers<Pick<typeof relayRoutes, ChannelRouteId>, RelayCaller> {
  return {
    'channel.listen': async ({ identity, header, body, signal }) => {
      assertWireVersion(header);
      return { events: eventsOf(await channels.listen(identity.name, body.value, signal)) };
    },
    'channel.interests': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await channels.update(identity.name, body.value) };
    },
    'channel.publish': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await channels.publish(identity.name, body.value) };
    },
    'channel.presence': async ({ identity, header, body }) => {
      assertWireVersion(header);
      return { json: await channels.present(identity.name, body.value) };
    },
  };
}

async function* eventsOf(groups: AsyncIterable<readonly string[]>): AsyncGenerator<readonly ServerEvent[], void> {
  for await (const texts of groups) yield texts.map((data) => ({ data }));
}
