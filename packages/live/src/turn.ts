let waiting: (() => void)[] = [];

/** Runs `wake` at the end of this turn of the event loop, with all others of the turn: what many are to be told comes together then. */
export function atEndOfTurn(wake: () => void): void {
  if (waiting.push(wake) === 1) setImmediate(wakeAll);
}

function wakeAll(): void {
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake();
}
