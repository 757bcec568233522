import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';

const LIMIT_MS = 120_000;

test(
  'what docs/locks.md tells to type answers as it says',
  async () => {
    await using node = await startAgentNode(['billing', 'reporting']);
    const typed = typedOn(readFileSync(new URL('../../docs/locks.md', import.meta.url), 'utf8'));
    const options = { cwd: node.home.path, environment: node.environmentOf(node.adminToken) };
    expect(typed.filter(({ answer }) => answer !== undefined)).toHaveLength(4);
    // In one shell: what is released is what was acquired before.
    const said = await typeIt({ command: typed.map(({ command }) => command).join(''), answer: undefined }, options);
    expect(said).toBe(typed.map(({ answer }) => answer).join(''));
  },
  LIMIT_MS,
);
