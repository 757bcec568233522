import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';

import { runProgram } from '@holdfast/testkit';

/**
 * Makes `to` a copy of the directory or database `from`, modes, log and all; what was there is gone. Nobody may have it
 * open.
 */
export async function putInPlace(from: string, to: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) {
    await rm(`${to}${suffix}`, { recursive: true, force: true });
    if (existsSync(`${from}${suffix}`)) await runProgram('cp', ['-a', `${from}${suffix}`, `${to}${suffix}`]);
  }
}
