import { writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { type AgentNode, startAgentNode } from '../harness/agent-node.ts';
import { holdfastMain } from '../harness/service.ts';

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run({ environmentOf, tokenOf, home }: AgentNode, ...args: readonly string[]): Promise<Ended> {
  const environment = environmentOf(tokenOf('recruiter'));
  const child = spawn(process.execPath, [holdfastMain, ...args], { env: environment, cwd: home.path });
  child.stdin.end();
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { exitCode, stdout, stderr };
}

const LIMIT_MS = 120_000;

test(
  'holdfast recruiter and import candidates answer programs with JSON, and say what was wrong',
  async () => {
    await using node = await startAgentNode(['recruiter']);
    const json = async (...args: readonly string[]): Promise<unknown> => {
      const { stdout } = await run(node, ...args, '--json');
      return JSON.parse(stdout) as unknown;
    };
    writeFileSync(
      node.home.file('people.csv'),
      'id,name,email,skills\nc-1,Ada,ada@example.org,Go\nc-2,Ben,nobody,Go\n',
    );
    const rejections = [{ line: 3, reason: 'email: expected an e-mail address' }];
    const counts = { candidates: 1, written: 1, unchanged: 0, rejected: 1, rejections };
    const imported = ['import', 'candidates', 'people.csv'] as const;
    expect(await json(...imported, '--dry-run')).toMatchObject({ ...counts, dryRun: true });
    expect(await json('recruiter', 'search')).toEqual({ records: [], next: null });
    expect(await json(...imported)).toMatchObject({ ...counts, dryRun: false });
    expect(await json(...imported)).toMatchObject({ written: 0, unchanged: 1 });
    expect((await run(node, ...imported)).exitCode).toBe(1);

    await run(node, 'put', 'requisitions', 'r', '{"required_skills":["go"]}');
    const matches = await json('recruiter', 'match', 'r', '--limit', '1', '--lacking', '0');
    expect(matches).toMatchObject({ matches: [{ candidate: 'c-1', score: 100 }], complete: true });
    expect(await json('recruiter', 'duplicates')).toEqual({ duplicates: [], complete: true });
    await run(node, 'put', 'interviews', 'i', '{}');
    expect(await json('recruiter', 'outcome', 'i', 'fail')).toMatchObject({ repeated: false });
    expect(await json('recruiter', 'upcoming')).toEqual({ interviews: [] });
    await run(node, 'put', 'interactions', 'm', '{"manager":"grace"}');
    expect(await json('recruiter', 'pending')).toMatchObject({ interactions: [{ id: 'm' }] });
    expect(await json('recruiter', 'acknowledge', 'm')).toMatchObject({ repeated: false });

    const other = await run(node, 'recruiter', 'outcome', 'i', 'pass', '--json');
    expect(other.exitCode).toBe(1);
    expect(JSON.parse(other.stderr)).toMatchObject({ error: { code: 'precondition-failed' } });
    for (const wrong of [['search', '--min-years', 'many'], ['match', 'r', '--limit', 'x'], ['match']]) {
      expect((await run(node, 'recruiter', ...wrong)).exitCode).toBe(2);
    }
    const unknown = await run(node, 'recruiter', 'match', 'r', '--status', 'gone');
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining('status')]);
  },
  LIMIT_MS,
);
