import type { RegistryEntry } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { agoText, NOTHING } from '../wording.ts';

/** `holdfast registry`: what the node's agents do. */
export function registryCommand(): Command {
  const command = new Command('registry')
    .description('The agents of this node that registered, what each does and when it was last heard of.')
    .option('--capability <name>', 'only agents that can do this');
  withAction<{ readonly capability?: string }>(command, async ({ options, output }) => {
    const { capability } = options;
    const agents = await withDaemon(options, (holdfast) => holdfast.registry.list({ capability }));
    output.answer({ agents }, () => registryText(agents, Date.now()));
  });
  return withExamples(command, 'registry --agent commander', 'registry --capability screen --agent commander');
}

function registryText(agents: readonly RegistryEntry[], nowMs: number): string {
  if (agents.length === 0) return 'no agent has registered: one does with its first heartbeat';
  const rows = agents.map(({ agent, status, role, task, capabilities, heartbeat_at: heartbeatAt }) => [
    agent,
    status,
    role ?? NOTHING,
    task ?? NOTHING,
    capabilities.join(', '),
    agoText(heartbeatAt, nowMs),
  ]);
  return renderTable(
    ['agent', 'status', 'role', 'task', 'can', 'heartbeat'].map((title) => ({ title })),
    rows,
  );
}
