import type { AgentInfo, NewAgentToken } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { type Output, paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';

/** `holdfast agent`: the agents of this node and their tokens. */
export function agentCommand(): Command {
  const command = new Command('agent').description('Agents of this node and their tokens. Needs the admin token.');
  command
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(newTokenCommand())
    .addCommand(revokeCommand());
  return withExamples(command, 'agent create recruiter', 'agent token recruiter --resource app:user_123');
}

function createCommand(): Command {
  const command = new Command('create')
    .description('Make an agent and its first token.')
    .argument('<name>', "the agent's name");
  withAction<object>(command, async ({ args: [name = ''], options, output }) => {
    answerToken(output, await withDaemon(options, (holdfast) => holdfast.agents.create(name)));
  });
  return withExamples(
    command,
    'agent create recruiter',
    'agent create recruiter --json | jq -r .token > recruiter.token',
  );
}

function listCommand(): Command {
  const command = new Command('list').description('List the agents and their tokens, without secrets.');
  withAction<object>(command, async ({ options, output }) => {
    const agents = await withDaemon(options, (holdfast) => holdfast.agents.list());
    output.answer({ agents }, () => agentsText(agents));
  });
  return withExamples(command, 'agent list');
}

function newTokenCommand(): Command {
  const command = new Command('token')
    .description('Make a further token; with the global --resource it is bound to that resource.')
    .argument('<name>', "the agent's name");
  withAction<object>(command, async ({ args: [name = ''], options: { resource, ...options }, output }) => {
    answerToken(output, await withDaemon(options, (holdfast) => holdfast.agents.token(name, { resource })));
  });
  return withExamples(command, 'agent token recruiter --resource app:user_123');
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('Revoke a token: from now on nobody gets in with it.')
    .argument('<name>', "the agent's name")
    .argument('<token-id>', "the token's id, as `agent list` shows it");
  withAction<object>(command, async ({ args: [agent = '', id = ''], options, output }) => {
    await withDaemon(options, (holdfast) => holdfast.agents.revoke(agent, id));
    output.answer({ agent, id, revoked: true }, () => `token ${id} of ${agent} revoked`);
  });
  return withExamples(command, 'agent revoke recruiter 4f1c09a2b7de');
}

function answerToken(output: Output, made: NewAgentToken): void {
  output.answer(made, () => made.token);
  const bound = made.resource ? `, bound to ${made.resource}` : '';
  output.remark(paint('dim', `Token ${made.id} of ${made.agent}${bound}. It is shown this once: keep it now.`));
}

function agentsText(agents: readonly AgentInfo[]): string {
  if (agents.length === 0) return `${paint('dim', 'no agents yet;')} holdfast agent create NAME`;
  const rows = agents.flatMap(({ name, created_at: createdAt, tokens }) =>
    tokens.length === 0
      ? [[name, createdAt, '', '', '']]
      : tokens.map((token, at) => {
          const [agent, since] = at === 0 ? [name, createdAt] : ['', ''];
          return [agent, since, token.id, token.resource ?? '', token.created_at];
        }),
  );
  return renderTable(
    ['agent', 'created', 'token', 'resource', 'token created'].map((title) => ({ title })),
    rows,
  );
}
