import type { Handlers } from '@holdfast/http';
import type { daemonRoutes, DaemonRouteId } from '@holdfast/protocol';

import type { Channels } from '../service/channels.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';

type ChannelRouteId = Extract<DaemonRouteId, `channel.${string}`>;

/** Answers the calls about channels. */
export function channelHandlers(channels: Channels): Handlers<Pick<typeof daemonRoutes, ChannelRouteId>, DaemonCaller> {
  return {
    'channel.publish': async ({ identity, params, body }) => ({
      json: await channels.publish(scopeOf(identity), params.channel, body),
    }),
    'channel.listen': async ({ identity, params, signal }) => ({
      events: await channels.listen(scopeOf(identity), params.channel, signal),
    }),
    'channel.presence': async ({ identity, params, signal }) => ({
      json: await channels.present(scopeOf(identity), params.channel, signal),
    }),
  };
}
