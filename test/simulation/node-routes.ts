import type { RelayAnswer, RelayCall } from '@holdfast/daemon/parts';
import {
  invalidRequest,
  isHoldfastError,
  parseJson,
  PROTOCOL_VERSION,
  relayRoutes,
  type Route,
} from '@holdfast/protocol';
import type { nodeDesk } from '@holdfast/relay/parts';

type Handler = (call: never) => Promise<{ readonly json?: unknown }>;

/** Who calls. */
interface Caller {
  readonly node: string;
  /** Aborts when nobody is there to be answered any more. */
  readonly signal: AbortSignal;
}

/** Does a call of a node and gives what goes over the wire, as the relay's HTTP layer would. Throws our own bugs only. */
export async function answerCall(
  desk: ReturnType<typeof nodeDesk>,
  { node, signal }: Caller,
  call: RelayCall,
  body: string,
): Promise<RelayAnswer> {
  try {
    const { json } = await handle(desk, { node, signal }, call, body);
    return { status: 200, text: JSON.stringify(json), retryAfter: undefined };
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return { status: error.kind.status, text: JSON.stringify(error.toProblem()), retryAfter: undefined };
  }
}

/** What a call is, in a word: the id of its route. */
export function routeOf({ method, path }: Pick<RelayCall, 'method' | 'path'>): string {
  return find(method, path.split('?', 1)[0] ?? '')?.id ?? 'unknown';
}

function handle(
  desk: ReturnType<typeof nodeDesk>,
  { node, signal }: Caller,
  { method, path }: RelayCall,
  body: string,
): Promise<{ readonly json?: unknown }> {
  const [place = '', search = ''] = path.split('?');
  const found = find(method, place);
  const handler = found && (desk as Readonly<Record<string, Handler>>)[found.id];
  if (found === undefined || handler === undefined) throw new Error(`no node calls ${method} ${place}`);
  const { route, params } = found;
  const identity = { role: 'node', tokenId: 'simulated', name: node };
  const header = (name: string): string | undefined =>
    name === 'holdfast-protocol' ? String(PROTOCOL_VERSION) : undefined;
  return handler({
    identity,
    params,
    query: route.query === undefined ? {} : parsed(route.query, Object.fromEntries(new URLSearchParams(search))),
    body: bodyOf(route, body),
    header,
    requestId: 'simulated',
    signal,
  } as never);
}

interface Found {
  readonly id: string;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

const routes = Object.entries(relayRoutes).map(([id, route]: readonly [string, Route]) => ({
  id,
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
}));

function find(method: string, path: string): Found | undefined {
  for (const { id, route, pattern } of routes) {
    const match = route.method === method ? pattern.exec(path) : null;
    if (match !== null) return { id, route, params: { ...match.groups } };
  }
  return undefined;
}

function bodyOf({ body }: Route, text: string): unknown {
  if (body?.kind === 'ndjson') return { kind: 'ndjson', lines: linesOf(text) };
  if (body?.kind !== 'json') return undefined;
  return { kind: 'json', value: parsed(body.schema, parseJson(text)), source: text };
}

async function* linesOf(text: string): AsyncGenerator<readonly { readonly number: number; readonly text: string }[]> {
  const lines = text.split('\n').map((line, index) => ({ number: index + 1, text: line }));
  yield lines.filter((line) => line.text !== '');
}

function parsed(
  schema: NonNullable<Route['query']> | Extract<Route['body'], { schema: unknown }>['schema'],
  value: unknown,
): unknown {
  const result = schema.safeParse(value);
  if (!result.success) throw invalidRequest('call', result.error);
  return result.data;
}
