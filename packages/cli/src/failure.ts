import { HoldfastProblem, HoldfastUnreachable } from '@holdfast/client';
import { HoldfastError, type Issue } from '@holdfast/protocol';
import { CommanderError } from 'commander';

import { CommandError } from './command-error.ts';
import { styled } from './output.ts';

const BAD_CONFIGURATION_EXIT = 78;

/** A failure as it is shown; with `--json` this very object, under `error`. */
interface Failure {
  readonly code: string;
  readonly title: string;
  readonly detail?: string;
  readonly remedy: string;
  readonly issues?: readonly Issue[];
  readonly requestId?: string;
  readonly exitCode: number;
}

/**
 * Prints why a command failed on stderr and gives its exit code. Help and version are no failures: 0. An error that
 * is not known is a bug of ours and shows its stack.
 */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  if (error instanceof CommanderError && error.code === 'commander.help') return 2;
  const failure = describeFailure(error);
  const { exitCode, ...shown } = failure;
  process.stderr.write(json ? `${JSON.stringify({ error: shown })}\n` : asText(failure));
  return exitCode;
}

function describeFailure(error: unknown): Failure {
  if (error instanceof CommanderError) {
    const title = error.message.replace(/^error: /, '');
    return { code: 'usage', title, remedy: 'See `holdfast --help` or `holdfast <command> --help`.', exitCode: 2 };
  }
  if (error instanceof CommandError) {
    const { code, message: title, remedy, exitCode } = error;
    return { code, title, remedy, exitCode };
  }
  if (error instanceof HoldfastError) {
    const exitCode = exitCodeOf(error.code);
    const { title, remedy } = error.kind;
    return { code: error.code, title, detail: error.message, remedy, issues: error.issues, exitCode };
  }
  if (error instanceof HoldfastProblem) return describeProblem(error);
  if (error instanceof HoldfastUnreachable) {
    const remedy = 'Start it with `holdfast node` or `holdfast relay`, or say where it is with --url.';
    return { code: 'unreachable', title: 'The service cannot be reached', detail: error.message, remedy, exitCode: 1 };
  }
  return describeOther(error);
}

function describeProblem(problem: HoldfastProblem): Failure {
  return {
    code: problem.code,
    title: problem.title,
    ...(problem.detail !== '' && { detail: problem.detail }),
    remedy: problem.remedy,
    issues: problem.issues,
    ...(problem.requestId !== undefined && { requestId: problem.requestId }),
    exitCode: exitCodeOf(problem.code),
  };
}

function exitCodeOf(code: string): number {
  return code === 'bad-configuration' ? BAD_CONFIGURATION_EXIT : 1;
}

function describeOther(error: unknown): Failure {
  if (error instanceof Error && 'syscall' in error) {
    const isTaken = 'code' in error && error.code === 'EADDRINUSE';
    const remedy = isTaken
      ? 'Another program listens there, perhaps the same service; or set another `listen.port`.'
      : 'The operating system refused; check path, owner and permissions.';
    return { code: 'command-failed', title: error.message, remedy, exitCode: 1 };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: 'internal',
    title: 'Something went wrong inside the holdfast command',
    detail,
    remedy: 'This is a bug; please report it with the lines above.',
    exitCode: 1,
  };
}

function asText(failure: Failure): string {
  const detail = failure.detail === undefined ? '' : `: ${failure.detail}`;
  const issues = failure.issues ?? [];
  const lines = [
    `${styled(process.stderr, 'red', 'holdfast:')} ${failure.title}${detail}`,
    ...(issues.length > 1 ? issues : []).map((issue) => `    ${issue.path}: ${issue.message}`),
    `  → ${failure.remedy}`,
  ];
  return `${lines.join('\n')}\n`;
}
