import type { ServerResponse } from 'node:http';

/**
 * Resolves once the client took what waits for it, or is gone. One that takes nothing for `stallMs` is cut off. The clock runs
 * only while the client is waited for: in between, the answer may have nothing to say for as long as it likes.
 */
export function drained(response: ServerResponse, stallMs: number): Promise<void> {
  const { socket } = response.req;
  return new Promise((resolve) => {
    socket.setTimeout(stallMs);
    const settle = (): void => {
      socket.setTimeout(0);
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}
