import { hostname, networkInterfaces } from 'node:os';

/** Addresses that mean "all of this machine's". */
const WILDCARDS = new Set(['0.0.0.0', '::']);

/**
 * The exact `Host` values the relay answers to, in lower case: loopback, this machine's name, the address listened on (all of the
 * machine's for a wildcard), each with the port, and the configured ones as they are.
 */
export function allowedHosts(host: string, port: number, configured: readonly string[]): ReadonlySet<string> {
  const names = ['127.0.0.1', '[::1]', 'localhost', hostname(), ...(WILDCARDS.has(host) ? ownAddresses() : [host])];
  const hosts = names.flatMap((name) => {
    const shown = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
    return port === 80 ? [shown, `${shown}:80`] : [`${shown}:${port}`];
  });
  return new Set([...hosts, ...configured].map((name) => name.toLowerCase()));
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
