const waiting: (() => void)[] = [];

/**
 * Runs `write` at the end of this turn of the event loop, right after its neighbours. A write to a socket wakes whoever
 * waits at the other end, which costs several times the write; answers sent back to back find the reader awake.
 */
export function inBurst(write: () => void): void {
  if (waiting.push(write) === 1) setImmediate(writeAll);
}

function writeAll(): void {
  for (const write of waiting.splice(0)) write();
}
