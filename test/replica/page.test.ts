import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { startNetwork } from '../harness/network.ts';
import { typedOn, typeIt } from '../harness/typed-page.ts';
import { following, SHARED_CANDIDATES } from './following.ts';

const LIMIT_MS = 120_000;

test(
  'what docs/replicas.md tells to type answers as it says, off-line too',
  async () => {
    await using network = await startNetwork({
      nodes: { laptop: ['sourcer'], workstation: ['screening'] },
      relayFlags: SHARED_CANDIDATES,
    });
    await network.agent('sourcer').client.collection('candidates').put('c-1', {}, { ack: 'relay', timeout: 30 });
    const { admin, service } = network.node('workstation');
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: network.home.path,
      NO_COLOR: '1',
      HOLDFAST_URL: service.url,
      HOLDFAST_TOKEN: service.adminToken,
    };
    const typed = typedOn(readFileSync(new URL('../../docs/replicas.md', import.meta.url), 'utf8'));
    expect(typed).toHaveLength(4);
    for (const step of typed) {
      if (step.command.includes('--network')) await network.relay.end('SIGKILL');
      expect(await typeIt(step, { cwd: network.home.path, environment })).toBe(step.answer);
      if (step.command.includes('add')) await following(admin, 'candidates');
    }
  },
  LIMIT_MS,
);
