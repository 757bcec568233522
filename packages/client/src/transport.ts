/** What `fetch` is called with. */
export interface FetchInit {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string | ReadableStream<Uint8Array> | null;
  /** With a body that is a stream. */
  readonly duplex?: 'half';
  readonly redirect: 'manual';
  readonly credentials: 'omit';
  readonly cache: 'no-store';
  readonly signal: AbortSignal;
}

/** `fetch`, as far as it is used here. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

/** Carries requests. */
export interface Transport {
  readonly fetch: Fetch;
  /** Frees kept connections; requests under way are cut. */
  close(): Promise<void>;
}

/** Carries requests by the runtime's `fetch`, or the one given, which look after their own connections. */
export function fetchTransport(fetch: Fetch = (url, init) => globalThis.fetch(url, init)): Transport {
  return { fetch, close: () => Promise.resolve() };
}

/** Carries requests over a unix socket (Node only). undici is loaded by the first request. */
export function socketTransport(socketPath: string): Transport {
  let opening: Promise<Transport> | undefined;
  return {
    fetch: async (url, init) => (await (opening ??= openSocketTransport(socketPath))).fetch(url, init),
    close: async () => (await opening)?.close(),
  };
}

async function openSocketTransport(socketPath: string): Promise<Transport> {
  const { Agent, fetch } = await import('undici');
  // Time limits are the requester's; undici's own would end streams that pause.
  const dispatcher = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 });
  return {
    fetch: (url, init) => fetch(url, { ...init, dispatcher }),
    close: () => dispatcher.destroy(),
  };
}
