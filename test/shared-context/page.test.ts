import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';

const LIMIT_MS = 120_000;

test(
  'what docs/context.md tells to type answers as it says',
  async () => {
    await using node = await startAgentNode(['screening']);
    const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('screening')) };
    const typed = typedOn(readFileSync(new URL('../../docs/context.md', import.meta.url), 'utf8'));
    expect(typed.filter(({ answer }) => answer !== undefined)).toHaveLength(5);
    for (const step of typed) {
      const said = await typeIt(step, options);
      expect(said).toBe(step.answer ?? said);
    }
  },
  LIMIT_MS,
);
