/** Sets timers; injected so that tests can bend time. */
export interface Timers {
  /** Calls `run` once after `delayMs`; the function returned prevents it. */
  after(delayMs: number, run: () => void): () => void;
}

/** Node's own timers. They do not keep the process alive. */
export const nodeTimers: Timers = {
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
