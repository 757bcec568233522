import type { Now, ServiceConfig } from '@holdfast/protocol';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import { BodyBudget } from './body-budget.ts';
import type { Handlers, Routes } from './call.ts';
import { EventStreams } from './event-streams.ts';
import type { Authenticate, Identity } from './identity.ts';
import { type ListenAt, Listeners } from './listeners.ts';
import { HttpMetrics } from './metrics.ts';
import { openApiText } from './openapi.ts';
import { Pipeline } from './pipeline.ts';
import { type Check, probeEntries } from './probes.ts';
import { entriesOf, RouteTable } from './routing.ts';

/** What a service is made of. */
export interface ServiceOptions<Contract extends Routes, Who extends Identity> {
  /** Title and text of the OpenAPI document, such as `Holdfast daemon`. */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly routes: Contract;
  readonly handlers: Handlers<Contract, Who>;
  readonly authenticate: Authenticate<Who>;
  readonly config: ServiceConfig;
  readonly log: Logger;
  /** Gets the http metrics; `/metrics` answers with all it holds. */
  readonly metrics: Registry;
  /** The exact `Host` values answered to over TCP, in lower case, with port. Asked for every request: keep the set. */
  readonly allowedHosts: () => ReadonlySet<string>;
  /** What must hold for `/readyz`, by name; run each time it is asked. */
  readonly checks: Readonly<Record<string, Check>>;
  /** Milliseconds that only grow, for durations. Default: `performance.now`. */
  readonly now?: Now;
}

/** A service: does nothing until it listens. */
export interface Service {
  /**
   * Adds a listener; answers with the real port. A unix socket can be used by its owner only, and a socket file that
   * nobody listens on any more is replaced. Rejects with Node's error, such as EADDRINUSE.
   */
  listen(at: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }>;
  listen(at: { readonly path: string }): Promise<{ readonly path: string }>;
  /**
   * No new connections; new requests on open ones get `shutting-down`; event streams end with it; requests under way have
   * `stop.seconds`, then they are cut. Resolves when every connection is closed. Calling it again gives the same promise.
   */
  stop(): Promise<void>;
}

/**
 * Makes a service of a contract: every route guarded, authenticated, checked and answered in the same way, and beside
 * them `/livez`, `/readyz`, `/metrics` and `/openapi.json`. Throws a plain error for routes that contradict each other.
 */
export function createService<const Contract extends Routes, Who extends Identity>(
  options: ServiceOptions<Contract, Who>,
): Service {
  const { routes, handlers, authenticate, config, log, metrics, allowedHosts, checks } = options;
  const now = options.now ?? (() => performance.now());
  const openApi = openApiText(options);
  const table = new RouteTable([
    ...entriesOf(routes, handlers),
    ...probeEntries({ checks, metrics, openApi: () => openApi, log, now }),
  ]);
  const waitMs = config['limits.requestSeconds'] * 1000;
  const httpMetrics = new HttpMetrics(metrics);
  const pipeline = new Pipeline({
    table,
    authenticate,
    allowedHosts,
    bounds: { bodyBytes: config['limits.bodyBytes'], waitMs, budget: new BodyBudget() },
    metrics: httpMetrics,
    streams: new EventStreams({ limit: config['limits.eventStreams'], stallMs: waitMs, metrics: httpMetrics, log }),
    log,
    now,
  });
  const listeners = new Listeners({
    connections: config['limits.connections'],
    stopMs: config['stop.seconds'] * 1000,
    onRequest: (request, response, isSocket) => {
      void pipeline.serve(request, response, isSocket ? 'socket' : 'tcp');
    },
  });
  return new RunningService(pipeline, listeners);
}

class RunningService implements Service {
  readonly #pipeline: { stop(): void };
  readonly #listeners: Listeners;
  #stopped: Promise<void> | undefined;

  constructor(pipeline: { stop(): void }, listeners: Listeners) {
    this.#pipeline = pipeline;
    this.#listeners = listeners;
  }

  listen(at: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }>;
  listen(at: { readonly path: string }): Promise<{ readonly path: string }>;
  listen(at: ListenAt): Promise<ListenAt> {
    return 'path' in at ? this.#listeners.listenSocket(at.path) : this.#listeners.listenTcp(at.host, at.port);
  }

  stop(): Promise<void> {
    this.#pipeline.stop();
    return (this.#stopped ??= this.#listeners.stop());
  }
}
