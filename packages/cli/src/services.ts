import { connect, connectRelay, type Holdfast, type HoldfastRelay } from '@holdfast/client';

import { endpointToCall } from './endpoint.ts';
import type { GlobalOptions } from './global-options.ts';
import { remedied } from './remedy.ts';

/** Does `work` with a client of the daemon, as the global options say, and closes it. */
export async function withDaemon<Result>(
  options: GlobalOptions,
  work: (holdfast: Holdfast) => Promise<Result>,
): Promise<Result> {
  const { url, token } = await endpointToCall('node', options, process.env);
  await using holdfast = connect({ url, token, agent: options.agent, resource: options.resource });
  return await remedied('node', options, () => work(holdfast));
}

/** Does `work` with a client of the relay and its address, unless that is the client's own default, and closes it. */
export async function withRelay<Result>(
  options: GlobalOptions,
  work: (relay: HoldfastRelay, url: string | undefined) => Promise<Result>,
): Promise<Result> {
  const { url, token } = await endpointToCall('relay', options, process.env);
  await using relay = connectRelay({ url, token });
  return await remedied('relay', options, () => work(relay, url ?? process.env['HOLDFAST_RELAY_URL']));
}
