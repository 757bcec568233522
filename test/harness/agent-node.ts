import { connect } from '@holdfast/client';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';

import { Service } from './service.ts';
import { stablePort } from './stable-port.ts';

/** A node, a process of its own, and agents on it. */
export interface AgentNode extends AsyncDisposable {
  readonly home: TemporaryDirectory;
  readonly url: string;
  readonly adminToken: string;
  /** The token of an agent. */
  readonly tokenOf: (agent: string) => string;
  /** What a program with a token finds in its environment, and nothing else. */
  readonly environmentOf: (token: string) => Readonly<Record<string, string>>;
}

/** Starts one. */
export async function startAgentNode(agents: readonly string[]): Promise<AgentNode> {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await temporaryDirectory());
  const service = resources.use(new Service({ kind: 'node', name: 'node', home, port: await stablePort() }));
  await service.start();
  const { url, adminToken } = service;
  await using admin = connect({ url, token: adminToken });
  const tokens = new Map<string, string>();
  for (const agent of agents) tokens.set(agent, (await admin.agents.create(agent)).token);
  const running = resources.move();
  return {
    home,
    url,
    adminToken,
    tokenOf: (agent) => tokens.get(agent) ?? '',
    environmentOf: (token) => ({
      PATH: process.env['PATH'] ?? '',
      HOME: home.path,
      NO_COLOR: '1',
      HOLDFAST_URL: url,
      HOLDFAST_TOKEN: token,
    }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
