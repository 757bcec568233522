// Holds a lock as a program would, and writes under it again and again, whatever becomes of the lock, until a write is refused.
// Arguments: the daemon's address, the agent's token, the lock. Prints `held FENCE`, then `refused CODE`.

import { connect, HoldfastProblem } from '@holdfast/client';

const [url, token, name = ''] = process.argv.slice(2);
const holdfast = connect({ url, token });
const lock = await holdfast.locks.acquire(name, { ttlSeconds: 1 });
process.stdout.write(`held ${lock.fence}\n`);
try {
  for (;;) await holdfast.kv.put('written-under-the-lock', lock.fence, { ifFence: lock.ifFence });
} catch (error) {
  process.stdout.write(`refused ${error instanceof HoldfastProblem ? error.code : String(error)}\n`);
}
await holdfast.close();
