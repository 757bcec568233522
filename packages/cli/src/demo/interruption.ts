import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The demo was told to stop: no failure, but no success either. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  /** 128 and the signal's number, as a shell gives it. */
  readonly exitCode: number;

  constructor(signal: (typeof signals)[number]) {
    super(`The demo was stopped by ${signal}.`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Calls back for each signal that asks to stop, until disposed of. */
export function onInterruption(interrupt: (reason: Interruption) => void): Disposable {
  const listeners = signals.map((signal) => ({ signal, listener: () => interrupt(new Interruption(signal)) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return {
    [Symbol.dispose]: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
}
