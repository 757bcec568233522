import { connect } from '@holdfast/client';
import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typeIt } from '../harness/typed-page.ts';

test('a refusal of a limit is an answer to the client, at once, and exit code 1 on the command line', async () => {
  await using node = await startAgentNode(['ada']);
  await using holdfast = connect({ url: node.url, token: node.tokenOf('ada') });
  const wish = { limit: 5, windowSeconds: 3600 };
  const taken = await holdfast.limits.take('a b/c', { ...wish, cost: 4 });
  expect(taken).toEqual({ allowed: true, remaining: 1, resetSeconds: 3600, retryAfterSeconds: 0 });
  const refused = await holdfast.limits.take('a b/c', { ...wish, cost: 2 });
  expect(refused).toMatchObject({ allowed: false, remaining: 1 });
  expect(refused.retryAfterSeconds).toBeGreaterThan(0);
  await expect(holdfast.limits.take('a b/c', { ...wish, cost: 6 })).rejects.toMatchObject({ code: 'invalid-request' });

  const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('ada')) };
  const command = "holdfast limit 'a b/c' --limit 5 --window 3600 --cost 2 --json || echo $?";
  const [answer = '', exitCode] = (await typeIt({ command, answer: undefined }, options)).trim().split('\n');
  expect([JSON.parse(answer), exitCode]).toMatchObject([{ allowed: false, remaining: 1 }, '1']);
});
