import type { Answer, Handlers } from '@holdfast/http';
import { type daemonRoutes, type DaemonRouteId, HoldfastError } from '@holdfast/protocol';

import type { Channels } from '../service/channels.ts';
import type { DurableChannels } from '../service/durable-channels.ts';
import { requestFingerprint } from '../service/records.ts';
import type { Watches } from '../service/shared/watches.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { idempotencyOf } from './write-headers.ts';
import { eventsFrom } from './watch-place.ts';

type ChannelRouteId = Extract<DaemonRouteId, `channel.${string}`>;

/** What the handlers answer from. */
export interface ChannelServices {
  readonly channels: Channels;
  readonly durable: DurableChannels;
  readonly watches: Watches;
}

/** Answers the calls about channels. */
export function channelHandlers({
  channels,
  durable,
  watches,
}: ChannelServices): Handlers<Pick<typeof daemonRoutes, ChannelRouteId>, DaemonCaller> {
  return {
    'channel.publish': async ({ identity, params: { channel }, query, header, body }) => {
      const scope = scopeOf(identity);
      if (query.durable !== 'true') {
        assertLive({ ttl: query.ttl, 'Idempotency-Key': header('idempotency-key') });
        return { json: await channels.publish(scope, channel, body) };
      }
      const fingerprint = (): string => requestFingerprint('publish', channel, String(query.ttl), body.text);
      const wish = { ttlSeconds: query.ttl, ...idempotencyOf(header, fingerprint) };
      return { json: await durable.publish(scope, channel, body, wish) };
    },
    'channel.listen': async ({ identity, params: { channel }, query, header, signal }): Promise<Answer> => {
      const scope = scopeOf(identity);
      if (query.durable === 'true') {
        const eventsAfter = (place: string | undefined) => durable.listen(scope, channel, place, signal);
        return { events: eventsFrom({ query, header }, watches, eventsAfter) };
      }
      assertLive({ from: query.from });
      return { events: await channels.listen(scope, channel, signal) };
    },
    'channel.presence': async ({ identity, params, signal }) => ({
      json: await channels.present(scopeOf(identity), params.channel, signal),
    }),
  };
}

// Taken and not honoured, these would promise what only durable messages keep.
function assertLive(given: Readonly<Record<string, unknown>>): void {
  const path = Object.keys(given).find((name) => given[name] !== undefined);
  if (path === undefined) return;
  const message = 'only with durable=true';
  throw new HoldfastError('invalid-request', `${path}: ${message}`, { issues: [{ path, message }] });
}
