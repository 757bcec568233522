import type { Holdfast, HoldfastRelay, Readiness } from '@holdfast/client';
import type { DiskStatus, NodeStatus, ScrubStatus } from '@holdfast/protocol';

import { isSettled } from '../settled.ts';
import { countOf, durationText, sizeText } from '../wording.ts';
import { fail, type Finding, ok, warn } from './check.ts';

const CLOCK_WARN_SECONDS = 5;
const CLOCK_FAIL_SECONDS = 300;
const CLOCK_TIMEOUT_MS = 5000;
const OUTBOX_WARN_SECONDS = 3600;

/** What to do when the relay does not take a node for the one it was, by the state of the link. */
const notTaken: Readonly<Record<string, string>> = {
  paused:
    'If another machine took this node’s place, keep what it never sent as a node of its own: holdfast node reidentify. ' +
    'If the relay was put back to before this node was enrolled: holdfast invite NODE there, then holdfast node ' +
    'reidentify --name NODE here.',
  cloned:
    'Two daemons speak for this node: stop the copy, or make this one a node of its own: holdfast node reidentify. ' +
    'Right after a restore it passes by itself within the lease, about a minute.',
};

/** What it means that a service is not ready, by the name of the check that failed. */
const notReady: Readonly<Record<string, string>> = {
  database: 'its database does not answer',
  disk: 'its disk takes no writes',
};

/** Whether a service could be reached, and what that tells. */
export interface Reached {
  readonly isReached: boolean;
  readonly finding: Finding;
}

/** Whether a service answers and says it is ready; if it is not, which of its checks failed. */
export async function checkReady(service: Pick<Holdfast | HoldfastRelay, 'ready'>, start: string): Promise<Reached> {
  try {
    const readiness = await service.ready();
    const finding = readiness.ready
      ? ok('service', 'answers and is ready')
      : fail('service', `answers and is not ready: ${reasonText(readiness)}`, 'See below, and the log of the service.');
    return { isReached: true, finding };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { isReached: false, finding: fail('service', detail, `Start it: ${start}`) };
  }
}

function reasonText({ report }: Readiness): string {
  const { checks } = (report ?? {}) as { readonly checks?: readonly { readonly name: string; readonly ok: boolean }[] };
  const failed = Array.from(checks ?? []).filter(({ ok: hasPassed }) => !hasPassed);
  return failed.length === 0 ? 'no reason given' : failed.map(({ name }) => notReady[name] ?? name).join(', ');
}

/** The link to the relay, the clocks on both sides, and what waits to be sent. Needs the admin token. */
export async function checkLink(holdfast: Holdfast): Promise<readonly Finding[]> {
  try {
    const { relay, agents, disk, scrub } = await holdfast.node.status();
    const oldest = Math.max(0, ...agents.map(({ outbox }) => outbox.oldest_seconds ?? 0));
    const deadLetters = agents.reduce((sum, agent) => sum + agent.dead_letters, 0);
    const files = [...checkFiles(agents), checkRoom(disk), checkScrub(scrub, 'See the log of the daemon.')];
    if (relay.url === null) {
      return [...files, warn('relay', 'not enrolled', 'Enrol with `holdfast join`; local work goes on.')];
    }
    return [
      ...files,
      checkRelay(relay),
      await checkClock(relay.url),
      oldest > OUTBOX_WARN_SECONDS
        ? warn('outbox', `the oldest change waits for ${durationText(oldest)}`, 'See the line about the relay.')
        : ok('outbox', `the oldest change waits for ${durationText(oldest)}`),
      deadLetters > 0
        ? warn('dead letters', String(deadLetters), 'Look at them: holdfast dead-letters list')
        : ok('dead letters', 'none'),
    ];
  } catch (error) {
    return [
      warn(
        'relay',
        error instanceof Error ? error.message : String(error),
        'The link can be checked with the admin token only.',
      ),
    ];
  }
}

/** A line for each agent whose file is damaged, was put back or differs from the relay's copy; one when all is well. */
function checkFiles(agents: NodeStatus['agents']): readonly Finding[] {
  const findings = agents.flatMap((status): Finding[] => {
    const { agent, state, error, digest } = status;
    if (state === 'damaged') {
      return [fail(`agent ${agent}`, error ?? 'damaged', `Rebuild it: holdfast restore --agent ${agent} --from relay`)];
    }
    if (state === 'restoring') return [warn(`agent ${agent}`, 'is being restored', 'See `holdfast status`.')];
    if (digest === 'different') {
      return [
        warn(
          `agent ${agent}`,
          'its records and the relay’s differ',
          'It is repaired by itself; if it stays, see the log.',
        ),
      ];
    }
    return error === null || isSettled(status) ? [] : [warn(`agent ${agent}`, error, 'See the log of the daemon.')];
  });
  return findings.length > 0 ? findings : [ok('files', `${countOf(agents.length, 'agent')}, none known to be damaged`)];
}

/** Whether the service's disk takes writes. */
export function checkRoom({ state, free_bytes: free, reserve_bytes: reserve }: DiskStatus): Finding {
  const detail = `${sizeText(free)} free, ${sizeText(reserve)} of it in reserve`;
  if (state === 'read-only') return fail('room', 'the disk takes no writes', 'Make the file system writable again.');
  return state === 'low'
    ? fail('room', detail, 'Writes are refused: make room, they resume by themselves.')
    : ok('room', detail);
}

/** What the background check of the service's files has found since its start; `remedy` is for damage. */
export function checkScrub(scrub: ScrubStatus, remedy: string): Finding {
  const { state, problems, last_pass_at: last, files_done: done, files_total: total } = scrub;
  if (problems > 0) return fail('checking', `${countOf(problems, 'problem')} since the start`, remedy);
  if (state === 'off') return warn('checking', 'off', 'Set scrub.hours: damage nobody looks for is found too late.');
  if (last !== null) return ok('checking', 'no problems found');
  const before = done === 0 ? 'nothing has been checked yet' : `${done} of ${total} checked so far, no problems found`;
  return ok('checking', before);
}

function checkRelay({ url, state, error }: NodeStatus['relay']): Finding {
  if (error === null) return ok('relay', `${url}, ${state}`);
  return warn('relay', `${url}: ${error}`, notTaken[state] ?? 'Local work goes on; see the relay.');
}

/** The relay's clock by its Date header, which tells whole seconds. */
async function checkClock(relayUrl: string): Promise<Finding> {
  const answer = await fetch(new URL('/livez', relayUrl), {
    signal: AbortSignal.timeout(CLOCK_TIMEOUT_MS),
    redirect: 'error',
  }).catch(() => undefined);
  const date = Date.parse(answer?.headers.get('date') ?? '');
  if (Number.isNaN(date))
    return warn('clock', 'the relay does not tell its time', 'It is checked when the relay can be reached.');
  const apart = Math.floor(Math.abs(Date.now() - date) / 1000);
  const detail = `${durationText(apart)} apart from the relay`;
  if (apart > CLOCK_FAIL_SECONDS)
    return fail('clock', detail, 'Set the clocks: timedatectl set-ntp true, on both machines.');
  return apart > CLOCK_WARN_SECONDS
    ? warn('clock', detail, 'Keep the clocks set: timedatectl set-ntp true.')
    : ok('clock', detail);
}
