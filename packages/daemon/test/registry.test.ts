import { expect, test } from 'vitest';

import { TestDaemon } from './support/test-daemon.ts';

const START_MS = Date.UTC(2026, 10, 20);

test('an agent registers with its first heartbeat, keeps what it said, and counts as off-line when it is silent', async () => {
  const clock = { ms: START_MS };
  await using daemon = await TestDaemon.start({ now: () => clock.ms });
  const [ada, ben] = [await daemon.agent('ada'), await daemon.agent('ben')];
  const list = async (query = ''): Promise<unknown> =>
    (await daemon.call(`GET /v1/registry${query}`, { token: ben })).json.agents;
  expect(await list()).toEqual([]);
  const said = { role: 'screener', capabilities: ['screen'], offline_after_seconds: 30 };
  await daemon.call('POST /v1/registry/heartbeat', { token: ada, body: said });
  clock.ms += 20_000;
  await daemon.call('POST /v1/registry/heartbeat', { token: ada, body: { status: 'busy', task: 't-1' } });
  const entry = {
    agent: 'ada',
    status: 'busy',
    role: 'screener',
    capabilities: ['screen'],
    task: 't-1',
    heartbeat_at: new Date(START_MS + 20_000).toISOString(),
    metadata: null,
  };
  expect(await list()).toEqual([entry]);
  expect(await list('?capability=screen')).toEqual([entry]);
  expect(await list('?capability=fly')).toEqual([]);
  clock.ms += 30_000;
  expect(await list()).toEqual([entry]);
  clock.ms += 1;
  expect(await list()).toEqual([{ ...entry, status: 'offline' }]);
  await daemon.call('POST /v1/registry/heartbeat', { token: ada, body: { task: null } });
  expect(await list()).toMatchObject([{ status: 'busy', task: null }]);
});

test('the registry of one resource is not that of another', async () => {
  await using daemon = await TestDaemon.start();
  const ada = await daemon.agent('ada');
  const one = await daemon.boundToken('ada', 'app:one');
  await daemon.call('POST /v1/registry/heartbeat', { token: one, body: {} });
  expect((await daemon.call('GET /v1/registry', { token: ada })).json.agents).toEqual([]);
  expect((await daemon.call('GET /v1/registry', { token: one })).json.agents).toMatchObject([{ agent: 'ada' }]);
});

test('what a heartbeat does not know is refused', async () => {
  await using daemon = await TestDaemon.start();
  const token = await daemon.agent('ada');
  for (const body of [{ status: 'offline' }, { capabilities: 'screen' }, { mood: 'good' }])
    expect((await daemon.call('POST /v1/registry/heartbeat', { token, body })).status).toBe(422);
});
