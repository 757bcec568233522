import { connect } from '@holdfast/client';
import { expect, test } from 'vitest';

import { startAgentNode } from '../harness/agent-node.ts';
import { typeIt } from '../harness/typed-page.ts';

test('the client and the command line know the same sessions, from their beginning to their end', async () => {
  await using node = await startAgentNode(['portal']);
  await using holdfast = connect({ url: node.url, token: node.tokenOf('portal') });
  const { sessions } = holdfast;
  const { key, ...made } = await sessions.create({ user: 'ada', data: { a: 1 }, userAgent: 'x', lifetimeSeconds: 60 });
  expect(made).toMatchObject({ user_agent: 'x', lifetime_seconds: 60, kind: 'sliding' });
  expect(await sessions.check(key)).toEqual(made);
  expect(await sessions.change(key, { b: { c: 2 } })).toMatchObject({ data: { a: 1, b: { c: 2 } } });
  await sessions.create({ user: 'ada', kind: 'fixed' });
  const listed: string[] = [];
  for await (const { id } of sessions.list('ada')) listed.push(id);
  expect(listed).toHaveLength(2);
  expect(listed[0]).toBe(made.id);

  const options = { cwd: node.home.path, environment: node.environmentOf(node.tokenOf('portal')) };
  const say = async (command: string): Promise<string[]> =>
    (await typeIt({ command, answer: undefined }, options)).trim().split('\n');
  const checking = `printf '${key}' | holdfast session check --json`;
  expect(JSON.parse((await say(checking))[0] ?? '')).toMatchObject({ session: { id: made.id, user: 'ada' } });
  const revoking = `holdfast session revoke --id ${made.id} --json; ${checking} || echo $?`;
  expect(await say(revoking)).toEqual(['{"revoked":1}', '{"session":null}', '1']);
  expect(await sessions.check(key)).toBeUndefined();
  expect(await sessions.change(key, {})).toBeUndefined();
  expect(await sessions.revoke({ user: 'ada' })).toBe(1);
  const [wrong, exitCode] = await say('holdfast session revoke --id x --user ada || echo $?');
  expect([wrong, exitCode]).toEqual([expect.stringContaining('more than one session'), expect.anything()]);
});
