import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { afterEach, beforeEach } from 'vitest';

import { TestAgent } from './fixture.ts';

/** What the running test has; imports of these see each test's own. */
export let directory: TemporaryDirectory;
export let agent: TestAgent;

/** Gives every test of a file a fresh directory and an agent's file in it. */
export function useAgent(): void {
  useAgentUntil(() => undefined);
}

/** The same, and after every test the file's counters must be what counting gives. */
export function useCountedAgent(): void {
  useAgentUntil(() => agent.expectTrueCounters());
}

function useAgentUntil(check: () => void): void {
  beforeEach(async () => {
    directory = await temporaryDirectory();
    agent = new TestAgent(directory.file('agent.db'));
  });
  afterEach(async () => {
    try {
      check();
    } finally {
      agent[Symbol.dispose]();
      await directory[Symbol.asyncDispose]();
    }
  });
}
