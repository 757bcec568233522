import { type FenceProof, limits, type LockScope } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';
import { checkFile } from '@holdfast/store';
import { expect, test } from 'vitest';

import { codeOf, put } from './fixture.ts';
import { agent, useCountedAgent } from './use-agent.ts';

useCountedAgent();

/** Writes under locks; gives the code it was refused with, if it was. */
function writeUnder(...fences: readonly FenceProof[]): Promise<unknown> {
  const written = agent.store.write({ resource: '', operations: [put('notes', 'n', {})], fences });
  return codeOf(written.then(() => 'written'));
}

function proof(lock: string, fence: number, scope: LockScope = 'node'): FenceProof {
  return { scope, lock, fence };
}

test('a file may forget locks of long ago, and then takes nothing older than what it forgot', async () => {
  const newest = limits.seenFences * 1.1;
  for (let from = 1; from <= newest; from += limits.fenceProofs) {
    await writeUnder(...Array.from({ length: limits.fenceProofs }, (_, at) => proof(`l-${from + at}`, from + at)));
  }
  expect(await writeUnder(proof('l-10', 9))).toBe('fence-stale');
  expect(await writeUnder(proof('never-seen', 9))).toBe('fence-stale');
  expect(await writeUnder(proof(`l-${newest}`, newest - 1))).toBe('fence-stale');
  expect(await writeUnder(proof('l-10', newest + 100))).toBe('written');
  expect(await writeUnder(proof('never-seen', 9, 'network'))).toBe('written');
  expect(await checkFile(agent.path, 'agent')).toMatchObject({ state: 'sound' });
});

test('a fence that rotted in the file is told as damage', async () => {
  await writeUnder(proof('billing', 7));
  agent.reopen(() => {
    const database = openDatabase(agent.path);
    database.exec('UPDATE fences SET fence = 3');
    database.close();
  });
  expect(await writeUnder(proof('billing', 5))).toBe('file-damaged');
  expect(await checkFile(agent.path, 'agent')).toMatchObject({
    state: 'damaged',
    problems: [{ kind: 'seal', count: 1 }],
  });
});
