import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { runToEnd } from '../harness/run-to-end.ts';

const LIMIT_MS = 120_000;
const example = (file: string): string => fileURLToPath(new URL(`../../examples/recruiter/${file}`, import.meta.url));

test(
  'the day of a recruiter goes as its README says, on a real node',
  async () => {
    await using node = await startAgentNode(['recruiter']);
    const said = /^```text\n(.+?)^```/ms.exec(readFileSync(example('README.md'), 'utf8'))?.[1];
    const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('recruiter')) };
    expect(await runToEnd(process.execPath, [example('main.ts')], options)).toBe(said);
  },
  LIMIT_MS,
);
