/**
 * How often each kind of call was made, by strace's log, in the thread that made it most: faults are counted in each thread
 * and for each kind by itself.
 */
export function countCalls(log: string): ReadonlyMap<string, number> {
  // A line begins with the thread's id.
  const counts = new Map<string, number>();
  for (const [, threadAndCall = ''] of log.matchAll(/^(\d+ +\w+)\(/gm)) {
    counts.set(threadAndCall, (counts.get(threadAndCall) ?? 0) + 1);
  }
  const most = new Map<string, number>();
  for (const [threadAndCall, count] of counts) {
    const call = threadAndCall.replace(/^\d+ +/, '');
    most.set(call, Math.max(count, most.get(call) ?? 0));
  }
  return most;
}
