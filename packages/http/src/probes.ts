import type { Now, Role, Route } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { z } from 'zod';

import type { Answer } from './call.ts';
import { type Access, type Entry, entryOf } from './routing.ts';

/** One thing that must hold for the service to be ready: passes by returning, fails by throwing. */
export type Check = () => void | Promise<void>;

/** What the probes tell of. */
export interface ProbeOptions {
  readonly checks: Readonly<Record<string, Check>>;
  readonly metrics: Registry;
  readonly openApi: () => string;
  readonly log: Logger;
  readonly now: Now;
}

const verboseQuery = z.strictObject({ verbose: z.string().optional() });

/** Metrics speak of the whole service: not for tokens of one agent, resource or node. */
const overseers: ReadonlySet<Role> = new Set(['viewer', 'operator', 'admin']);

interface VerboseCall {
  readonly query: { readonly verbose?: string };
}

/** The calls every service has beside its contract: is it alive, is it ready, its metrics, its OpenAPI document. */
export function probeEntries(options: ProbeOptions): readonly Entry[] {
  return [
    probe('livez', 'open', () => ({ json: { status: 'ok' } })),
    probe('readyz', 'open', (call: VerboseCall) => readiness(options, call.query.verbose !== undefined), verboseQuery),
    probe('metrics', overseers, async () => ({
      text: await options.metrics.metrics(),
      headers: { 'content-type': options.metrics.contentType },
    })),
    probe('openapi.json', 'open', () => ({ text: options.openApi() })),
  ];
}

function probe(id: string, access: Access, handler: Entry['handler'], query?: z.ZodObject): Entry {
  const route: Route = {
    method: 'GET',
    path: `/${id}`,
    summary: id,
    roles: [],
    ...(query && { query }),
    status: 200,
    answer: { kind: 'none' },
    errors: [],
  };
  return entryOf({ id, route, access, handler });
}

async function readiness({ checks, log, now }: ProbeOptions, isVerbose: boolean): Promise<Answer> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const startedMs = now();
      const failure = await failureOf(check);
      if (failure !== undefined) log.warn({ err: failure, check: name }, 'readiness check failed');
      return { name, ok: failure === undefined, latency_ms: Math.round((now() - startedMs) * 1000) / 1000 };
    }),
  );
  const isReady = results.every(({ ok }) => ok);
  return {
    status: isReady ? 200 : 503,
    json: { status: isReady ? 'ok' : 'failed', ...(isVerbose && { checks: results }) },
  };
}

/** What a check failed with; undefined if it passed. */
async function failureOf(check: Check): Promise<Error | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
