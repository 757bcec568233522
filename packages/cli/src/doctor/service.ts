import type { Holdfast, HoldfastRelay, Readiness } from '@holdfast/client';
import type { NodeStatus } from '@holdfast/protocol';

import { countOf, durationText, sizeText } from '../wording.ts';
import { fail, type Finding, ok, warn } from './check.ts';

const CLOCK_WARN_SECONDS = 5;
const CLOCK_FAIL_SECONDS = 300;
const CLOCK_TIMEOUT_MS = 5000;
const OUTBOX_WARN_SECONDS = 3600;

/** What a node does that the relay does not take for the one it was. */
const REPLACED =
  'If another machine took this node’s place, keep what it never sent as a node of its own: holdfast node reidentify.';

/** Whether a service answers and says it is ready; what it names as not ready, word by word. */
export async function checkReady(service: Pick<Holdfast | HoldfastRelay, 'ready'>, start: string): Promise<Finding> {
  try {
    const readiness = await service.ready();
    if (readiness.ready) return ok('service', 'answers and is ready');
    return fail('service', `not ready: ${reportText(readiness)}`, 'See the log of the service.');
  } catch (error) {
    return fail('service', error instanceof Error ? error.message : String(error), `Start it: ${start}`);
  }
}

function reportText({ report }: Readiness): string {
  return report === undefined ? 'no reason given' : JSON.stringify(report);
}

/** The link to the relay, the clocks on both sides, and what waits to be sent. Needs the admin token. */
export async function checkLink(holdfast: Holdfast): Promise<readonly Finding[]> {
  try {
    const { relay, agents, disk, scrub } = await holdfast.node.status();
    const oldest = Math.max(0, ...agents.map(({ outbox }) => outbox.oldest_seconds ?? 0));
    const deadLetters = agents.reduce((sum, agent) => sum + agent.dead_letters, 0);
    const files = [...checkFiles(agents), checkRoom(disk), checkScrub(scrub)];
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
  const findings = agents.flatMap(({ agent, state, error, digest }): Finding[] => {
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
    return error === null ? [] : [warn(`agent ${agent}`, error, 'See the log of the daemon.')];
  });
  return findings.length > 0 ? findings : [ok('files', `${countOf(agents.length, 'agent')}, none known to be damaged`)];
}

function checkRoom({ state, free_bytes: free, reserve_bytes: reserve }: NodeStatus['disk']): Finding {
  const detail = `${sizeText(free)} free, ${sizeText(reserve)} of it in reserve`;
  if (state === 'read-only') return fail('room', 'the disk takes no writes', 'Make the file system writable again.');
  return state === 'low'
    ? fail('room', detail, 'Writes are refused: make room, they resume by themselves.')
    : ok('room', detail);
}

function checkScrub({ state, problems }: NodeStatus['scrub']): Finding {
  if (problems > 0) return fail('checking', countOf(problems, 'problem'), 'See the log of the daemon.');
  return state === 'off'
    ? warn('checking', 'off', 'Set scrub.hours: damage nobody looks for is found too late.')
    : ok('checking', 'no problems found');
}

function checkRelay({ url, state, error }: NodeStatus['relay']): Finding {
  if (error === null) return ok('relay', `${url}, ${state}`);
  const remedy = state === 'paused' || state === 'cloned' ? REPLACED : 'Local work goes on; see the relay.';
  return warn('relay', `${url}: ${error}`, remedy);
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
