import { HoldfastError, invalidRequest, type Role, type Route } from '@holdfast/protocol';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import type { z } from 'zod';

import type { Answer, Handlers, Routes } from './call.ts';
import type { Identity } from './identity.ts';

/** Parameters by name. */
export type Values = Readonly<Record<string, unknown>>;

const none: Values = Object.freeze({});

/** Who may call: the roles, or anyone. */
export type Access = ReadonlySet<Role> | 'open';

/** A route and what serves it. */
export interface Entry {
  readonly id: string;
  readonly route: Route;
  readonly access: Access;
  /** The rule for a query string; undefined: there must be none. */
  readonly query: z.ZodObject | undefined;
  /** What no query string at all stands for; undefined if some parameter must be given. */
  readonly emptyQuery: Values | undefined;
  /** Takes the call made from this very `route`; that is why no wider type fits. */
  readonly handler: (call: never) => Answer | Promise<Answer>;
}

/** A route that fits a request. */
export interface Match {
  readonly entry: Entry;
  /** Where each path parameter stands in `stash`. */
  readonly places: Readonly<Record<string, string | number>>;
  /** The path parameters as they stand in the request: still percent-encoded. */
  readonly stash: readonly string[];
}

/** The routes of the contract, each with its handler. */
export function entriesOf<Contract extends Routes, Who extends Identity>(
  routes: Contract,
  handlers: Handlers<Contract, Who>,
): readonly Entry[] {
  return Object.entries(routes).map(([id, route]) => {
    const handler = handlers[id];
    if (handler === undefined) throw new Error(`route ${id} has no handler`);
    return entryOf({ id, route, access: new Set(route.roles), handler });
  });
}

/** Works out once what would otherwise be worked out for every request. */
export function entryOf(part: Pick<Entry, 'id' | 'route' | 'access' | 'handler'>): Entry {
  const query = part.route.query?.strict();
  const empty = query?.safeParse({});
  return { ...part, query, emptyQuery: empty ? empty.data && Object.freeze(empty.data) : none };
}

/**
 * Finds the route of a request. It works on the raw path: nothing is decoded or folded (`..`, `%2F`) before the
 * parameters are cut out, so that what reaches their rules is what was sent.
 */
export class RouteTable {
  readonly #router = new RegExpRouter<Entry>();
  readonly #methods: ReadonlySet<string>;

  /** Throws a plain error for routes that cannot stand side by side. */
  constructor(entries: readonly Entry[]) {
    for (const entry of entries) {
      this.#router.add(entry.route.method, entry.route.path.replaceAll(/\{(\w+)\}/g, ':$1'), entry);
    }
    this.#methods = new Set(entries.map(({ route }) => route.method));
    // Builds the matcher now: a conflict shows at start, not at the first request.
    this.#router.match('GET', '/');
  }

  /** Throws `route-not-found`, `method-not-allowed`. HEAD is answered as GET. */
  find(method: string, path: string): Match {
    const match = this.#match(method === 'HEAD' ? 'GET' : method, path);
    if (match !== undefined) return match;
    const allow = [...this.#methods].filter((other) => this.#match(other, path) !== undefined);
    if (allow.length === 0) throw new HoldfastError('route-not-found', 'there is no such route');
    if (allow.includes('GET')) allow.push('HEAD');
    throw new HoldfastError('method-not-allowed', `send ${allow.join(' or ')}`, { extensions: { allow } });
  }

  #match(method: string, path: string): Match | undefined {
    const [handlers, stash] = this.#router.match(method, path);
    const first = handlers[0];
    if (first === undefined || stash === undefined) return undefined;
    const [entry, places] = first;
    return { entry, places, stash };
  }
}

/** Decodes and checks the path parameters. Throws `invalid-request`. */
export function readParams({ entry, places, stash }: Match): Values {
  const { params } = entry.route;
  if (params === undefined) return none;
  const read: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(params)) {
    const result = rule.safeParse(decode(stash[Number(places[name])] ?? '', name));
    if (!result.success) throw invalidRequest(name, result.error);
    read[name] = result.data;
  }
  return read;
}

/** Reads and checks the query string (without `?`). An unknown or repeated parameter is `invalid-request`. */
export function readQuery({ query, emptyQuery }: Entry, search: string): Values {
  if (search === '' && emptyQuery !== undefined) return emptyQuery;
  const given: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const pair of search === '' ? [] : search.split('&')) {
    const cut = pair.indexOf('=');
    const name = decode(cut === -1 ? pair : pair.slice(0, cut), 'query', true);
    if (name in given) throw refuse(`query.${name}`, 'given twice');
    given[name] = cut === -1 ? '' : decode(pair.slice(cut + 1), `query.${name}`, true);
  }
  if (query === undefined) throw refuse('query', 'this call takes no query parameters');
  const result = query.safeParse(given);
  if (!result.success) throw invalidRequest('query', result.error);
  return result.data;
}

function decode(text: string, place: string, isForm = false): string {
  const spaced = isForm && text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw refuse(place, 'the percent-encoding is not valid UTF-8');
  }
}

function refuse(path: string, message: string): HoldfastError {
  return new HoldfastError('invalid-request', `${path}: ${message}`, { issues: [{ path, message }] });
}
