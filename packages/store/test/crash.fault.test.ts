import { fileURLToPath } from 'node:url';

import { seededRandom, startProcess, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

const writer = fileURLToPath(new URL('writer-process.ts', import.meta.url));
const LIVES = 20;

interface Acknowledged {
  readonly id: string;
  readonly version: string;
  readonly seq: number;
}

function acknowledgedIn(lines: readonly string[]): Acknowledged[] {
  return lines.slice(1).map((line) => {
    const [id = '', version = '', seq = ''] = line.split(' ');
    return { id, version, seq: Number(seq) };
  });
}

test('a writer killed 20 times in mid-write loses nothing it acknowledged', { timeout: 120_000 }, async () => {
  await using directory = await temporaryDirectory();
  const random = seededRandom(testSeed());
  const path = directory.file('agent.db');
  const newest = new Map<string, Acknowledged>();
  let greatestVersion = '';
  for (let life = 0; life < LIVES; life += 1) {
    await using child = await startProcess({ args: [writer, path, `life${life}`], ready: /^ready$/ });
    await child.waitForLines(random.integer(2, 60));
    expect(await child.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    const acknowledged = acknowledgedIn(child.lines());
    expect(acknowledged.length).toBeGreaterThan(0);
    for (const one of acknowledged) {
      const before = newest.get(one.id);
      expect(one.version > greatestVersion).toBe(true);
      expect(before === undefined || before.seq < one.seq).toBe(true);
      newest.set(one.id, one);
    }
    greatestVersion = acknowledged
      .map(({ version }) => version)
      .toSorted()
      .at(-1)!;
    using agent = new TestAgent(path);
    agent.expectTrueCounters();
    for (const { id, version } of newest.values()) {
      // A write that was stored but not yet acknowledged may stand above it.
      const stored = agent.store.read('', 'notes', id);
      expect(stored !== undefined && stored.version >= version).toBe(true);
      expect(JSON.parse(stored!.text)).toMatchObject({ id });
    }
  }
  using agent = new TestAgent(path);
  const { version } = await agent.write(put('notes', 'last', {}));
  expect(version > greatestVersion).toBe(true);
});
