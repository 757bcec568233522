import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { connect, connectRelay, type Holdfast, type HoldfastRelay } from '@holdfast/client';

import { CommandError } from '../command-error.ts';
import { readSecretFile } from '../endpoint.ts';
import type { BenchProcess, Surroundings } from './surroundings.ts';

const POLL_MS = 2;
const START_LIMIT_MS = 30_000;
const mainScript = fileURLToPath(new URL('../main.mjs', import.meta.url));

/** A service in a process of its own, as `holdfast node` or `holdfast relay` starts it, with default configuration. */
export interface BenchService<Client> {
  readonly pid: number;
  readonly url: string;
  readonly directory: string;
  readonly adminToken: string;
  /** A client with the admin token. */
  readonly client: Client;
  /** From the start of the process to the first `200` of `/readyz`. */
  readonly readyMs: number;
  /** Ends it in an orderly way. */
  stop(): Promise<void>;
}

/** What can be asked of a service that starts. */
export interface StartOptions {
  /** Name of the data directory; one that is there is used as it is. */
  readonly name: string;
  /** TCP port. Default: any free one. */
  readonly port?: number;
}

/** Starts a daemon and waits until it is ready. */
export async function startNode(surroundings: Surroundings, options: StartOptions): Promise<BenchService<Holdfast>> {
  const directory = join(surroundings.directory, options.name);
  if (!existsSync(directory)) (await import('@holdfast/daemon')).initNode(directory);
  const started = await start(surroundings, 'node', directory, options.port);
  return { ...started, client: connect({ url: started.url, token: started.adminToken }) };
}

/** Starts a relay and waits until it is ready. */
export async function startRelay(
  surroundings: Surroundings,
  options: StartOptions,
): Promise<BenchService<HoldfastRelay>> {
  const directory = join(surroundings.directory, options.name);
  if (!existsSync(directory)) (await import('@holdfast/relay')).initRelay(directory);
  const started = await start(surroundings, 'relay', directory, options.port);
  return { ...started, client: connectRelay({ url: started.url, token: started.adminToken }) };
}

/** Enrols a node at a relay, under a name of its own. */
export async function enrol(
  node: BenchService<Holdfast>,
  relay: BenchService<HoldfastRelay>,
  name = 'bench',
): Promise<void> {
  const { token } = await relay.client.invite({ node: name });
  await node.client.node.join({ relay: relay.url, name, token });
}

async function start(
  surroundings: Surroundings,
  service: 'node' | 'relay',
  directory: string,
  port = 0,
): Promise<Omit<BenchService<never>, 'client'>> {
  const startedAtMs = performance.now();
  const flags = ['--data-dir', directory, '--listen-port', String(port), '--log-format', 'json'];
  const child = surroundings.start(process.execPath, [mainScript, service, ...flags]);
  const url = await becomesReady(child, directory, startedAtMs);
  const readyMs = performance.now() - startedAtMs;
  const adminToken = readSecretFile(join(directory, 'admin.token'));
  return { pid: child.pid, url, directory, adminToken, readyMs, stop: () => child.stop() };
}

async function becomesReady(child: BenchProcess, directory: string, startedAtMs: number): Promise<string> {
  while (performance.now() - startedAtMs < START_LIMIT_MS) {
    child.assertRunning();
    const url = announcedUrl(directory, child.pid);
    if (url !== undefined && (await isReady(url))) return url;
    await sleep(POLL_MS);
  }
  throw new CommandError(`the service in ${directory} was not ready in time`, 'Nothing was measured.');
}

/** The address in `service.json`, once this very process has written it. */
function announcedUrl(directory: string, pid: number): string | undefined {
  const path = join(directory, 'service.json');
  if (!existsSync(path)) return undefined;
  const about = readFileSync(path, 'utf8');
  // The file may be there and not be whole yet.
  if (!about.endsWith('}\n')) return undefined;
  const parsed = JSON.parse(about) as { readonly pid: number; readonly url: string };
  return parsed.pid === pid ? parsed.url : undefined;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`);
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
