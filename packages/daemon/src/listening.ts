import { type Service, urlOf } from '@holdfast/http';
import type { NodeConfig } from '@holdfast/protocol';

/** What a loopback address is called in a `Host` header. */
const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/** Where a daemon listens. */
export interface Listening {
  readonly url: string;
  /** Null: on no socket. */
  readonly socketPath: string | null;
}

/** Listens where the configuration says, and notes in `hosts` what `Host` may be. Throws Node's own errors. */
export async function listen(
  { service, hosts }: { readonly service: Service; readonly hosts: Set<string> },
  config: NodeConfig,
  defaultSocket: string,
): Promise<Listening> {
  const bound = await service.listen({ host: config['listen.host'], port: config['listen.port'] });
  const url = urlOf(bound.host, bound.port);
  for (const name of LOOPBACK_NAMES) hosts.add(`${name}:${bound.port}`);
  const wished = config['listen.socket'];
  if (wished === 'none') return { url, socketPath: null };
  const socketPath = wished === '' ? defaultSocket : wished;
  await service.listen({ path: socketPath });
  return { url, socketPath };
}
