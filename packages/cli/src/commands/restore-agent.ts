import { setTimeout as pause } from 'node:timers/promises';

import type { Holdfast, RestoreRequest } from '@holdfast/client';
import { type ErrorCode, errorCodes, type RestoreReport, type RestoreStatus } from '@holdfast/protocol';

import { CommandError, INCOMPLETE_EXIT } from '../command-error.ts';
import type { GlobalOptions } from '../global-options.ts';
import { type Output, paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { countOf, countText, NOTHING } from '../wording.ts';

/** How often the daemon is asked how far it is, in milliseconds. */
const ASK_EVERY_MS = 250;

/** An agent to be restored, and from what. */
export interface AgentRestore extends RestoreRequest {
  readonly agent: string;
}

/**
 * Restores an agent through the running daemon: waits until it is done, shows progress on stderr, and answers with the
 * report. Gives the exit code: 0, or 3 when something was lost or may be. Throws `CommandError` when it failed.
 */
export async function restoreAgent(
  { agent, ...request }: AgentRestore,
  { options, output }: { readonly options: GlobalOptions; readonly output: Output },
): Promise<number> {
  const ended = await withDaemon(options, async (holdfast) => {
    await holdfast.agents.restore(agent, request);
    return untilEnded(holdfast, agent, output);
  });
  if (ended.report === null) {
    const remedy = 'The agent is as it was before: see the log of the daemon.';
    const reason = ended.error ?? 'it was interrupted';
    throw new CommandError(`${agent} was not restored: ${reason}`, remedy, 1, codeIn(reason));
  }
  const { report } = ended;
  output.answer({ agent, ...report }, () => reportText(agent, report));
  return report.lost_count > 0 || !report.is_complete ? INCOMPLETE_EXIT : 0;
}

/** The code a reason begins with; undefined if it tells none. */
function codeIn(reason: string): ErrorCode | undefined {
  return errorCodes.find((code) => reason.startsWith(`${code}: `));
}

async function untilEnded(holdfast: Holdfast, agent: string, output: Output): Promise<RestoreStatus> {
  for (let shown = -1; ;) {
    const status = await holdfast.agents.restoreStatus(agent);
    if (status.state !== 'running') return status;
    if (status.records_done !== shown) output.remark(`${agent}: ${countOf(status.records_done, 'record')}`);
    shown = status.records_done;
    await pause(ASK_EVERY_MS);
  }
}

function reportText(agent: string, report: RestoreReport): string {
  const { from, records, salvaged, lost, lost_count: lostCount, is_complete: isComplete, set_aside: setAside } = report;
  const lines = [
    `${paint('bold', agent)} was restored from ${from}: ${countOf(records, 'record')}`,
    `  ${countText(salvaged)} more from the file that was there`,
    lostCount === 0
      ? `  ${paint('green', 'none known to be lost')}`
      : `  ${paint('red', `${countText(lostCount)} lost`)}: the relay may have older versions of them`,
    ...(isComplete
      ? []
      : [`  ${paint('yellow', 'the file that was there could not be read whole: more may be missing')}`]),
    ...(setAside === null ? [] : [`  the file that was there is kept in ${setAside}`]),
  ];
  if (lost.length === 0) return lines.join('\n');
  const rows = lost.map(({ resource, collection, id, version }) => [
    collection,
    id,
    resource || NOTHING,
    version ?? NOTHING,
  ]);
  const titles = ['collection', 'id', 'resource', 'version'].map((title) => ({ title }));
  return [...lines, '', renderTable(titles, rows)].join('\n');
}
