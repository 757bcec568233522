import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Identity, ReadHeader } from './identity.ts';
import type { AnyBody } from './request-body.ts';

const nothing: Readonly<Record<string, unknown>> = Object.freeze({});

/** A call while it is being put together, stage by stage; handlers see it as `Call`. */
export class LiveCall<Who extends Identity> {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #makeId: () => string;
  #requestId: string | undefined;
  #controller: AbortController | undefined;

  identity: Who | undefined;
  params: Readonly<Record<string, unknown>> = nothing;
  query: Readonly<Record<string, unknown>> = nothing;
  body: AnyBody = undefined;

  constructor(request: IncomingMessage, response: ServerResponse, makeId: () => string) {
    this.#request = request;
    this.#response = response;
    this.#makeId = makeId;
  }

  readonly header: ReadHeader = (name) => {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };

  /** Made when first asked for: most calls never need one. */
  get requestId(): string {
    return (this.#requestId ??= this.#makeId());
  }

  get signal(): AbortSignal {
    return (this.#controller ??= this.#watch()).signal;
  }

  /** Tells whoever serves the call that nothing more is wanted. */
  end(): void {
    this.#controller?.abort();
  }

  #watch(): AbortController {
    const controller = new AbortController();
    const response = this.#response;
    const abort = (): void => {
      if (!response.writableFinished) controller.abort();
    };
    if (response.destroyed) abort();
    else response.once('close', abort);
    return controller;
  }
}
