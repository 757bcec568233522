/** Steps that fail before a connection stands. */
const CONNECTING: readonly unknown[] = ['connect', 'getaddrinfo'];

/**
 * Whether `fetch` failed before there was a connection, so that nothing was sent. Only Node tells; in browsers, and when
 * in doubt, the answer is no.
 */
export function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  if ('syscall' in error && CONNECTING.includes(error.syscall)) return true;
  if ('code' in error && error.code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  return neverConnected(error.cause);
}
