import { HoldfastProblem } from '@holdfast/client';

import type { ServiceName } from './config/locations.ts';
import { tokenSource } from './endpoint.ts';
import type { GlobalOptions } from './global-options.ts';

const tokenHints: Readonly<Record<ServiceName, string>> = {
  node: 'Give a token with --token-file or HOLDFAST_TOKEN; `holdfast agent token` makes one.',
  relay: 'Give a token with --token-file or HOLDFAST_RELAY_TOKEN; `holdfast token create` makes one.',
};

/**
 * Does `work`. A problem the services explain in terms of HTTP is thrown on with what to do about it on the command
 * line; everything else as it is.
 */
export async function remedied<Result>(
  service: ServiceName,
  options: GlobalOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HoldfastProblem)) throw error;
    const remedy = remedyFor(error, service, options) ?? error.remedy;
    const { code, status, title, detail, retryable, issues, requestId, retryAfterSeconds, extensions } = error;
    const known = { code, status, title, detail, retryable, issues, requestId, retryAfterSeconds, extensions };
    throw new HoldfastProblem({ ...known, remedy });
  }
}

function remedyFor(problem: HoldfastProblem, service: ServiceName, options: GlobalOptions): string | undefined {
  if (problem.issues.some(({ path }) => path === 'Holdfast-Agent')) {
    return "Say for which agent: --agent NAME, or that agent's own token in HOLDFAST_TOKEN.";
  }
  if (problem.code !== 'forbidden' && problem.code !== 'unauthenticated') return undefined;
  const source = tokenSource(service, options, process.env);
  if (source !== undefined) {
    return `The token came from ${source}. Give another, or none: then it is the admin token of this machine.`;
  }
  return problem.code === 'unauthenticated' ? tokenHints[service] : undefined;
}
