import { HoldfastProblem } from './errors.ts';
import type { Fetch } from './transport.ts';

/** How to reach a service, and how patiently. Everything has a default. */
export interface ConnectionOptions {
  /** `http:` or `https:` address; a path in front of the routes is kept. Must not hold credentials. */
  readonly url?: string | undefined;
  /** Bearer token. */
  readonly token?: string | undefined;
  /** Milliseconds one attempt may take from sending to the end of the answer. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** How many times a request is sent again after the first; 0 for never. Default 3. */
  readonly retries?: number | undefined;
  /** Used instead of the runtime's own `fetch`; then `socket` has no effect. */
  readonly fetch?: Fetch | undefined;
  /** A number from 0 up to 1, for the delays between attempts. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Waits between attempts. Default a timer that ends early, by rejecting, when `signal` aborts. */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** How to reach a daemon, and as whom. */
export interface ConnectOptions extends ConnectionOptions {
  /** Path of the daemon's unix socket (Node only); goes before `url`. */
  readonly socket?: string | undefined;
  /** Speak for this agent (`Holdfast-Agent`); only an admin token may. */
  readonly agent?: string | undefined;
  /** The tenant whose records are meant (`Holdfast-Resource`). Default none. */
  readonly resource?: string | undefined;
}

/** The connection in force: options over environment over defaults. */
export interface Settings {
  /** Address without a trailing slash. */
  readonly base: string;
  readonly socket: string | undefined;
  /** Sent with every call, the token among them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** Which environment variables a service's client reads, and where the service is by default. */
export interface ServicePlace {
  readonly url: string;
  readonly urlVariable: string;
  readonly tokenVariable: string;
  readonly socketVariable?: string;
}

/** The daemon on its own machine. */
export const daemonPlace: ServicePlace = {
  url: 'http://127.0.0.1:8002',
  urlVariable: 'HOLDFAST_URL',
  tokenVariable: 'HOLDFAST_TOKEN',
  socketVariable: 'HOLDFAST_SOCKET',
};

/** The relay. */
export const relayPlace: ServicePlace = {
  url: 'http://127.0.0.1:8001',
  urlVariable: 'HOLDFAST_RELAY_URL',
  tokenVariable: 'HOLDFAST_RELAY_TOKEN',
};

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 3;

/**
 * Puts a connection together. The token comes from `token`, the token variable, or the file that the variable ending in
 * `_FILE` names; an address given in `options` wins over a socket in the environment. Throws a `HoldfastProblem` with
 * `bad-configuration` for an unusable address, token file or header value; it never quotes the token.
 */
export function resolveSettings(place: ServicePlace, options: ConnectOptions): Settings {
  const given = options.url ?? options.socket;
  const socket = options.socket ?? (given === undefined ? environment(place.socketVariable) : undefined);
  const url = options.url ?? (socket === undefined ? environment(place.urlVariable) : 'http://localhost');
  return {
    base: baseOf(url ?? place.url),
    socket,
    headers: headersOf(options.token ?? environmentToken(place.tokenVariable), options),
    timeoutMs: atLeast('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1),
    retries: atLeast('retries', options.retries ?? DEFAULT_RETRIES, 0),
  };
}

function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw misconfigured('the url must begin with http:// or https://');
  if (url.username || url.password) throw misconfigured('the url must not hold credentials; give a token instead');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function headersOf(token: string | undefined, options: ConnectOptions): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  const values = {
    authorization: token && `Bearer ${token}`,
    'holdfast-agent': options.agent,
    'holdfast-resource': options.resource,
  };
  for (const [name, value] of Object.entries(values)) {
    if (!value) continue;
    if (!/^[\x21-\x7e]+(?: [\x21-\x7e]+)?$/.test(value))
      throw misconfigured(`the value for ${name} cannot go into a header`);
    headers[name] = value;
  }
  return headers;
}

function environmentToken(variable: string): string | undefined {
  const token = environment(variable);
  if (token !== undefined) return token;
  const file = environment(`${variable}_FILE`);
  return file === undefined ? undefined : readToken(file, `${variable}_FILE`);
}

function readToken(file: string, variable: string): string {
  const fs = nodeProcess()?.getBuiltinModule('node:fs');
  if (!fs) throw misconfigured(`${variable} can only be read on Node`);
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw misconfigured(`the file ${variable} names cannot be read (${errorCode(cause)})`);
  }
  if (text === '') throw misconfigured(`the file ${variable} names is empty`);
  return text;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
}

/** Empty counts as not set. */
function environment(variable: string | undefined): string | undefined {
  return (variable && nodeProcess()?.env[variable]) || undefined;
}

/** Node's `process`; undefined in browsers. */
function nodeProcess(): NodeJS.Process | undefined {
  const candidate: Partial<NodeJS.Process> | undefined = globalThis.process;
  return candidate?.versions?.node === undefined ? undefined : globalThis.process;
}

function atLeast(name: string, value: number, least: number): number {
  if (!(value >= least)) throw misconfigured(`${name} must be ${least} or more`);
  return value;
}

function misconfigured(detail: string): HoldfastProblem {
  return new HoldfastProblem({
    code: 'bad-configuration',
    status: 0,
    title: 'The configuration is wrong',
    detail,
    remedy: 'Correct the option or environment variable that the detail names.',
    retryable: false,
  });
}
