import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { runToEnd } from '../harness/run-to-end.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';

const LIMIT_MS = 120_000;
const example = (file: string): string => fileURLToPath(new URL(`../../examples/commander/${file}`, import.meta.url));

test(
  'the day of a commander goes as its README says, on a real node',
  async () => {
    await using node = await startAgentNode([]);
    const said = /^```text\n(.+?)^```/ms.exec(readFileSync(example('README.md'), 'utf8'))?.[1];
    const options = { cwd: node.home.path, environment: node.environmentOf(node.adminToken) };
    expect(await runToEnd(process.execPath, [example('main.ts')], options)).toBe(said);
  },
  LIMIT_MS,
);

test(
  'what docs/commander.md tells to type answers as it says',
  async () => {
    await using node = await startAgentNode(['commander', 'screening']);
    const typed = typedOn(readFileSync(new URL('../../docs/commander.md', import.meta.url), 'utf8'));
    const options = { cwd: node.home.path, environment: node.environmentOf(node.adminToken) };
    expect(typed.filter(({ answer }) => answer !== undefined)).toHaveLength(5);
    for (const step of typed) {
      const said = await typeIt(step, options);
      expect(said).toBe(step.answer ?? said);
    }
  },
  LIMIT_MS,
);
