import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a running service is reached. */
export interface ServiceAddress {
  readonly url: string;
  /** Its unix socket; null if it has none. */
  readonly socket: string | null;
}

/**
 * Writes `service.json` (0600: pid, url, socket, start) into a service's data directory, for local tools to find it.
 * The function returned removes it.
 */
export function writeServiceFile(directory: string, address: ServiceAddress, startedAtMs: number): () => void {
  const path = join(directory, 'service.json');
  const { url, socket } = address;
  const content = { pid: process.pid, url, socket, started_at: new Date(startedAtMs).toISOString() };
  // Removed first: the mode is given only to a file that is new.
  rmSync(path, { force: true });
  writeFileSync(path, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** The URL of a TCP address; an IPv6 one stands in brackets. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
