import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';
import { Command } from 'commander';

import { type Call, withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { paint } from '../output.ts';
import { type Account, type Findings, isAllEqual, type Running } from './account.ts';
import { Interruption, onInterruption } from './interruption.ts';
import { afterwardsText, keptText } from './next-steps.ts';
import { runDemo } from './run-demo.ts';
import { Screen } from './screen.ts';
import { type Remains, Stage } from './stage.ts';
import { roles } from './workload.ts';

/** How long the end of a process may lag behind its connections'. */
const CRASH_NOTICE_MS = 500;

interface DemoFlags {
  readonly keep?: true;
}

/** `holdfast demo`. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description(
      'Start a relay and two nodes in a temporary folder, let agents work, kill the relay and a node, and compare every ' +
        'record afterwards. Takes about 15 s; touches nothing else. Exit code 0 only if nothing was lost.',
    )
    .option('--keep', 'leave relay and nodes running afterwards, to look into');
  withAction<DemoFlags>(command, perform);
  return withExamples(command, 'demo', 'demo --keep', 'demo --json');
}

async function perform({ options, output }: Call<DemoFlags>): Promise<number> {
  const startedAtMs = performance.now();
  const ending = new AbortController();
  const onFailure = (error: unknown): void => ending.abort(error);
  using _ = onInterruption(onFailure);
  const nodes = [...new Set(roles.map(({ node }) => node))];
  const stage = new Stage({ nodes, signal: ending.signal, onCrash: onFailure });
  const screen = new Screen(output.json);
  screen.line(`${paint('bold', 'Holdfast demo')}  ${paint('dim', `real processes in ${stage.folder}`)}\n`);
  let findings: Findings;
  try {
    findings = await runDemo({ stage, screen, signal: ending.signal, onFailure });
  } catch (error) {
    const reason = await rootOf(error, ending.signal);
    ending.abort(reason);
    return await giveUp(stage, screen, reason);
  }
  const ok = isAllEqual(findings);
  const remains: Remains = options.keep ? 'all' : ok ? 'nothing' : 'logs';
  const running = options.keep ? stage.services.map(runningOf) : [];
  await stage.clear(remains);
  const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
  const folder = remains === 'nothing' ? null : stage.folder;
  const account: Account = { ok, seconds, folder, running, ...findings };
  output.answer(account, () => closingText(account, stage));
  return ok ? 0 : 1;
}

/** What ended the demo, if anything did: what a step made of it is a consequence, and may come a moment earlier. */
async function rootOf(failure: unknown, signal: AbortSignal): Promise<unknown> {
  const mayFollow = failure instanceof HoldfastUnreachable && !signal.aborted;
  if (mayFollow) await Promise.race([once(signal, 'abort'), sleep(CRASH_NOTICE_MS)]);
  return signal.aborted ? signal.reason : failure;
}

async function giveUp(stage: Stage, screen: Screen, reason: unknown): Promise<number> {
  if (reason instanceof Interruption) {
    screen.line(`\n${reason.message}`);
    await stage.clear('nothing');
    return reason.exitCode;
  }
  await stage.clear('logs');
  const logs = `All logs: ${stage.logs}`;
  if (reason instanceof CommandError) throw new CommandError(reason.message, `${reason.remedy}\n  ${logs}`);
  const isOfServices = reason instanceof HoldfastUnreachable || reason instanceof HoldfastProblem;
  throw isOfServices ? new CommandError(`the demo broke off: ${reason.message}`, logs) : reason;
}

function runningOf({ name, url, pid, directory }: Stage['relay']): Running {
  if (pid === undefined) throw new Error(`${name} does not run`);
  return { name, url, pid, directory };
}

function closingText(account: Account, stage: Stage): string {
  const verdict = account.ok
    ? paint('green', `Nothing was lost and everything is equal. ${account.seconds} s.`)
    : paint('red', `Something is missing or different: ${stage.logs}/differences.json names the records.`);
  const next = account.running.length > 0 ? keptText(stage.folder, account.running) : afterwardsText();
  return `\n${paint('bold', verdict)}\n\n${next}`;
}
