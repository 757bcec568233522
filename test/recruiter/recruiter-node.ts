import { connect } from '@holdfast/client';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';

import { Service } from '../harness/service.ts';
import { stablePort } from '../harness/stable-port.ts';

/** A node, a process of its own, and on it an agent that recruits. */
export interface RecruiterNode extends AsyncDisposable {
  readonly home: TemporaryDirectory;
  readonly url: string;
  /** The agent's token. */
  readonly token: string;
  /** What a program of the agent finds in its environment, and nothing else. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts one. */
export async function startRecruiterNode(): Promise<RecruiterNode> {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await temporaryDirectory());
  const service = resources.use(new Service({ kind: 'node', name: 'node', home, port: await stablePort() }));
  await service.start();
  const { url } = service;
  await using admin = connect({ url, token: service.adminToken });
  const { token } = await admin.agents.create('recruiter');
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home.path,
    NO_COLOR: '1',
    HOLDFAST_URL: url,
    HOLDFAST_TOKEN: token,
  };
  const running = resources.move();
  return { home, url, token, environment, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
