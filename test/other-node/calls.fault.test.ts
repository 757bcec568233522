import { cp } from 'node:fs/promises';

import { startProcess } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { CallNetwork, CallNode } from './call-network.ts';

const LIMIT_MS = 60_000;

const script = new URL('silent-node.ts', import.meta.url).pathname;

test(
  'a node killed in mid-call leaves whoever asked with an answer that says so, once it is back',
  async () => {
    await using network = await CallNetwork.start();
    const worker = await network.node('worker');
    const commander = await network.node('commander');
    await commander.stop();
    await using victim = await startProcess({ args: [script, commander.directory], ready: /^ready/ });
    await expect.poll(() => worker.ask('commander', 'nothing', 1).catch(codeOf)).toBe('call-unsupported');
    const asking = worker.ask('commander', 'work', null, { timeoutSeconds: 30 }).catch(codeOf);
    await victim.waitForLines(2);
    await victim.kill();
    await using again = await CallNode.start('commander', commander.directory);
    await again.untilCallable();
    expect(await asking).toBe('call-unanswered');
    expect(await worker.ask('commander', 'work', null).catch(codeOf)).toBe('call-unsupported');
  },
  LIMIT_MS,
);

test(
  'a copy of a node that is kept out takes no calls, and makes none',
  async () => {
    await using network = await CallNetwork.start();
    const worker = await network.node('worker');
    const commander = await network.node('commander');
    await commander.stop();
    const copied = network.home.file('copy');
    await cp(commander.directory, copied, { recursive: true });
    const who = (name: string) => ({ who: async () => name });
    await using again = await CallNode.start('commander', commander.directory, who('the node'));
    await again.untilCallable();
    await using copy = await CallNode.start('commander', copied, who('the copy'));
    await expect.poll(async () => (await copy.admin.node.status()).relay.state).toBe('cloned');
    expect(await copy.takesCalls()).toBe(false);
    const answers = await Promise.all(Array.from({ length: 20 }, () => worker.ask('commander', 'who', null)));
    expect(new Set(answers)).toEqual(new Set(['the node']));
    expect(await copy.ask('worker', 'who', null).catch(codeOf)).toBe('relay-unreachable');
  },
  LIMIT_MS,
);

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code;
}
