import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastProblem } from '@holdfast/client';
import type { AgentStatus, NodeStatus } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import type { ServiceName } from '../config/locations.ts';
import { findEndpoint } from '../endpoint.ts';
import type { GlobalOptions } from '../global-options.ts';
import { paint } from '../output.ts';
import { withDaemon, withRelay } from '../services.ts';
import { agentStatusText, nodeStatusText, type RelayOverview, relayStatusText } from './status-text.ts';

interface StatusFlags {
  readonly node?: true;
  readonly relay?: true;
}

/** What was found out. `problems` names a service that is set up here and did not answer, beside one that did. */
interface FoundStatus {
  readonly node?: NodeStatus;
  /** Instead of `node`, for an agent's own token or with `--agent`. */
  readonly agent?: AgentStatus;
  readonly relay?: RelayOverview;
  readonly problems?: Readonly<Partial<Record<ServiceName, string>>>;
}

/** `holdfast status`. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('Show how the services of this machine are doing: the node, the relay, or both if both are here.')
    .option('--node', 'only the node')
    .option('--relay', 'only the relay');
  withAction<StatusFlags>(command, async ({ options, output }) => {
    const found = await findStatus(options);
    output.answer(found, () => statusText(found, Date.now()));
    return found.problems === undefined ? 0 : 1;
  });
  return withExamples(command, 'status', 'status --relay --url http://htpc.lan:8001 --token-file operator.token');
}

function findStatus(options: StatusFlags & GlobalOptions): Promise<FoundStatus> {
  const isOneNamed = options.url !== undefined || options.dataDir !== undefined || options.agent !== undefined;
  if (options.node === options.relay && !isOneNamed) return statusOfBoth(options);
  const isRelay = options.relay ?? (options.dataDir !== undefined && existsSync(join(options.dataDir, 'relay.db')));
  return isRelay ? relayStatus(options) : nodeStatus(options);
}

/** Whichever is set up here. Throws the first failure if none answers. */
async function statusOfBoth(options: GlobalOptions): Promise<FoundStatus> {
  const [node, relay] = await Promise.allSettled([
    ifSetUp('node', options, nodeStatus),
    ifSetUp('relay', options, relayStatus),
  ]);
  const found = {
    ...(node.status === 'fulfilled' && node.value),
    ...(relay.status === 'fulfilled' && relay.value),
  };
  if (Object.keys(found).length > 0) {
    const problems = {
      ...(node.status === 'rejected' && { node: messageOf(node.reason) }),
      ...(relay.status === 'rejected' && { relay: messageOf(relay.reason) }),
    };
    return { ...found, ...(Object.keys(problems).length > 0 && { problems }) };
  }
  if (node.status === 'rejected') throw node.reason;
  if (relay.status === 'rejected') throw relay.reason;
  throw new CommandError(
    'no service was found on this machine',
    'Prepare one with `holdfast init node` or `holdfast init relay`, or say where it is with --url.',
  );
}

async function ifSetUp(
  service: ServiceName,
  options: GlobalOptions,
  ask: (options: GlobalOptions) => Promise<FoundStatus>,
): Promise<FoundStatus> {
  return (await isSetUp(service, options)) ? ask(options) : {};
}

async function isSetUp(service: ServiceName, options: GlobalOptions): Promise<boolean> {
  const { url, token, directory } = await findEndpoint(service, options, process.env);
  // No directory: address and token are both given, and the client reads them.
  return url !== undefined || token !== undefined || directory === undefined || existsSync(directory);
}

async function nodeStatus(options: GlobalOptions): Promise<FoundStatus> {
  return withDaemon(options, async (holdfast) => {
    if (options.agent !== undefined) return { agent: await holdfast.status() };
    try {
      return { node: await holdfast.node.status() };
    } catch (error) {
      const isAgentToken = error instanceof HoldfastProblem && error.code === 'forbidden';
      if (!isAgentToken) throw error;
      return { agent: await holdfast.status() };
    }
  });
}

async function relayStatus(options: GlobalOptions): Promise<FoundStatus> {
  return withRelay(options, async (relay, url) => {
    const [status, nodes] = await Promise.all([relay.status(), relay.nodes()]);
    return { relay: { url: url ?? null, ...status, nodes } };
  });
}

function statusText(found: FoundStatus, nowMs: number): string {
  return [
    ...(found.node ? [nodeStatusText(found.node, nowMs)] : []),
    ...(found.agent ? [agentStatusText(found.agent, nowMs)] : []),
    ...(found.relay ? [relayStatusText(found.relay, nowMs)] : []),
    ...Object.entries(found.problems ?? {}).map(([service, problem]) =>
      paint('yellow', `No answer from the ${service}: ${problem}`),
    ),
  ].join('\n\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
