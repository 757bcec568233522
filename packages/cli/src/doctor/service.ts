import type { Holdfast, HoldfastRelay, Readiness } from '@holdfast/client';

import { durationText } from '../wording.ts';
import { fail, type Finding, ok, warn } from './check.ts';

const CLOCK_WARN_SECONDS = 5;
const CLOCK_FAIL_SECONDS = 300;
const CLOCK_TIMEOUT_MS = 5000;
const OUTBOX_WARN_SECONDS = 3600;

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
    const { relay, agents } = await holdfast.node.status();
    const oldest = Math.max(0, ...agents.map(({ outbox }) => outbox.oldest_seconds ?? 0));
    const deadLetters = agents.reduce((sum, agent) => sum + agent.dead_letters, 0);
    if (relay.url === null) return [warn('relay', 'not enrolled', 'Enrol with `holdfast join`; local work goes on.')];
    return [
      relay.error === null
        ? ok('relay', `${relay.url}, ${relay.state}`)
        : warn('relay', `${relay.url}: ${relay.error}`, 'Local work goes on; see the relay.'),
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
