import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';

const LIMIT_MS = 120_000;

const typed = typedOn(readFileSync(new URL('../../docs/channels.md', import.meta.url), 'utf8'));

test(
  'what docs/channels.md tells to type answers as it says',
  async () => {
    await using node = await startAgentNode(['ada', 'bob']);
    const options = { cwd: node.home.path, environment: node.environmentOf(node.adminToken) };
    expect(typed.filter(({ answer }) => answer !== undefined)).toHaveLength(5);
    for (const step of typed) {
      const said = await typeIt(step, options);
      expect(said).toBe(step.answer ?? said);
    }
  },
  LIMIT_MS,
);
