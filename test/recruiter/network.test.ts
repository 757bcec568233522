import { connectRelay } from '@holdfast/client';
import type { Candidate } from '@holdfast/protocol';
import { expect, test } from 'vitest';

import { askHoldfast } from '../harness/command.ts';
import { startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;

test(
  'a candidate reaches the relay: operators find and count them there, viewers see nothing personal',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    const { client } = network.agent('ada');
    const doc: Candidate = {
      name: 'Zoë',
      email: 'zoe@example.org',
      skills: ['Python'],
      status: 'active',
      resume: 'distributed',
    };
    await client.collection('candidates').put('c-1', doc, { ack: 'relay', timeout: 30 });
    await client.collection('interviews').put('i-1', { candidate: 'c-1' });
    const { ack } = await client.recruiter.recordOutcome(
      'i-1',
      { outcome: 'pass', feedback: 'calm' },
      { ack: 'relay', timeout: 30 },
    );
    expect(ack).toBe('relay');

    const withPython = { collection: 'candidates', where: { skills: { hasAll: ['Python'] } } };
    expect((await network.desk.query({ ...withPython, search: 'distributed' })).records).toMatchObject([{ doc }]);
    const sql = ['sql', 'SELECT outcome, count(*) AS n FROM interviews GROUP BY outcome', ...network.relay.place];
    expect(await askHoldfast(network.home, sql)).toMatchObject({ rows: [['pass', 1]] });

    const made = ['token', 'create', '--role', 'viewer', '--name', 'eve', ...network.relay.place];
    const { token } = await askHoldfast<{ token: string }>(network.home, made);
    await using viewer = connectRelay({ url: network.relay.url, token });
    expect((await viewer.query(withPython)).records).toMatchObject([
      { doc: { name: '***', email: '***', resume: '***', skills: ['Python'], status: 'active' } },
    ]);
    expect((await viewer.query({ collection: 'interviews' })).records).toMatchObject([
      { doc: { candidate: 'c-1', outcome: 'pass', feedback: '***' } },
    ]);
    await expect(viewer.query({ collection: 'candidates', search: 'distributed' })).rejects.toMatchObject({
      code: 'forbidden',
    });
  },
  LIMIT_MS,
);
