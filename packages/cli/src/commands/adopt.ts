import { setTimeout as pause } from 'node:timers/promises';

import { type Holdfast, HoldfastProblem } from '@holdfast/client';
import type { RestoreStatus } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { joinTokenOf } from '../join-token.ts';
import { type Output, paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { countOf } from '../wording.ts';

/** How often the daemon is asked how far it is, in milliseconds. */
const ASK_EVERY_MS = 500;

interface AdoptFlags {
  readonly relay: string;
  readonly name: string;
  readonly joinTokenFile?: string;
  readonly wait: boolean;
}

/** `holdfast adopt`. */
export function adoptCommand(): Command {
  const command = new Command('adopt')
    .description(
      'Take over a node whose machine is gone: this node, which has no agents yet, becomes it, and its agents are restored ' +
        'from the relay. Needs a join token from `holdfast invite NODE --replaces`.',
    )
    .argument('[join-token]', 'the join token, or - for stdin')
    .requiredOption('--relay <url>', "the relay's address")
    .requiredOption('--name <node>', 'the name of the node that is gone')
    .option('--join-token-file <file>', 'file that holds the join token')
    .option('--no-wait', 'do not wait until the agents are restored');
  withAction<AdoptFlags>(command, async ({ args: [argument], options, output }) => {
    const { relay, name, wait } = options;
    const token = await joinTokenOf(argument, options);
    const { adopted, agents } = await withDaemon(options, async (holdfast) => {
      const taken = await adopt(holdfast, { relay, token, name });
      return { adopted: taken, agents: wait ? await untilRestored(holdfast, taken.agents, output) : [] };
    });
    output.answer({ ...adopted, ...(wait && { restored: agents }) }, () => adoptedText(adopted, agents));
    output.remark(remarkText(adopted.agents));
  });
  return withExamples(command, 'adopt --relay http://htpc.lan:8001 --name workstation --join-token-file join.token');
}

async function adopt(
  holdfast: Holdfast,
  target: { readonly relay: string; readonly token: string; readonly name: string },
): ReturnType<Holdfast['node']['adopt']> {
  try {
    return await holdfast.node.adopt(target);
  } catch (error) {
    const code = error instanceof HoldfastProblem ? error.code : undefined;
    if (code !== 'agent-exists' && code !== 'already-enrolled') throw error;
    throw await refusal(holdfast, target.name);
  }
}

// The daemon refuses before it uses the token, and in words that fit other calls too.
async function refusal(holdfast: Holdfast, name: string): Promise<CommandError> {
  const { node, agents } = await holdfast.node.status();
  const has = `has agents: ${agents.map(({ agent }) => agent).join(', ')}`;
  if (node === name) {
    return new CommandError(`this node is ${name} already, and ${has}`, '`holdfast status` shows how far each one is.');
  }
  return new CommandError(
    node === null ? `this node ${has}` : `this node is enrolled as ${node}`,
    'Run it on a node that is not enrolled and has no agents. The join token is as good as before.',
  );
}

async function untilRestored(
  holdfast: Holdfast,
  agents: readonly string[],
  output: Output,
): Promise<readonly RestoreStatus[]> {
  const restored: RestoreStatus[] = [];
  for (const agent of agents) {
    // One that failed is tried again: the machine it came from is gone, there is nothing else to do.
    let status = await holdfast.agents.restoreStatus(agent);
    for (let shown = ''; status.state !== 'done'; status = await holdfast.agents.restoreStatus(agent)) {
      const now = `${agent}: ${status.error ?? countOf(status.records_done, 'record')}`;
      if (now !== shown) output.remark(now);
      shown = now;
      await pause(ASK_EVERY_MS);
    }
    restored.push(status);
  }
  return restored;
}

function adoptedText(
  { node, relay, agents }: { node: string; relay: string; agents: readonly string[] },
  restored: readonly RestoreStatus[],
): string {
  const lines = restored.map(({ agent, report }) => `  ${agent}  ${countOf(report?.records ?? 0, 'record')}`);
  const state = restored.length === agents.length ? 'restored' : 'being restored';
  return [
    `This node is ${node} now, enrolled at ${relay}. ${countOf(agents.length, 'agent')} ${state}.`,
    ...lines,
  ].join('\n');
}

function remarkText(agents: readonly string[]): string {
  const commands = agents.map((agent) => `  holdfast agent token ${agent}`);
  const tokens = [paint('dim', 'Agents need new tokens here:'), ...commands];
  return [
    ...(agents.length === 0 ? [] : tokens),
    paint('dim', 'What the old machine never sent is not among this.'),
  ].join('\n');
}
