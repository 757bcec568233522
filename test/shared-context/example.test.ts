import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { startProcess } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 180_000;
const example = (file: string): string => fileURLToPath(new URL(`../../examples/shared/${file}`, import.meta.url));

function environmentOf(network: Network): Record<string, string> {
  const [here, there] = [network.node('laptop').service, network.node('workstation').service];
  return {
    HOLDFAST_URL_HERE: here.url,
    HOLDFAST_TOKEN_HERE: here.adminToken,
    HOLDFAST_URL_THERE: there.url,
    HOLDFAST_TOKEN_THERE: there.adminToken,
  };
}

test(
  'the story of screening, manager and analytics goes as its README says, with the relay away in the middle',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: [], workstation: [] } });
    const said = /^```text\n(.+?)^```/ms.exec(readFileSync(example('README.md'), 'utf8'))?.[1] ?? '';
    const lines = said.trimEnd().split('\n');
    await using program = await startProcess({
      args: [example('main.ts')],
      ready: /now stop the relay/,
      environment: environmentOf(network),
    });
    await network.relay.end('SIGKILL');
    await program.waitForLines(lines.indexOf('now start the relay again') + 1);
    await network.relay.start();
    expect(await program.exited).toEqual({ code: 0, signal: null });
    expect(program.lines()).toEqual(lines);
  },
  LIMIT_MS,
);
