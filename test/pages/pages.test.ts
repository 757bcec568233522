import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';

const LIMIT_MS = 120_000;

/** The pages, and how many blocks of each say what is answered. */
const pages = [
  ['limits', 1],
  ['sessions', 2],
  ['cache', 2],
] as const;

test.each(pages)(
  'what docs/%s.md tells to type answers as it says',
  async (name, answers) => {
    const typed = typedOn(readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8'));
    await using node = await startAgentNode(['recruiter']);
    const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('recruiter')) };
    expect(typed.filter(({ answer }) => answer !== undefined)).toHaveLength(answers);
    for (const step of typed) {
      const said = await typeIt(step, options);
      expect(said).toBe(step.answer ?? said);
    }
  },
  LIMIT_MS,
);
