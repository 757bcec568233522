import { countText } from '../../wording.ts';
import type { Account } from '../account.ts';
import type { Network } from '../network.ts';
import { Outboxes } from '../outboxes.ts';
import { barOf } from '../screen.ts';
import { until, type Wait } from '../waiting.ts';

const LIMIT_MS = 45_000;

/** Waits until the relay holds all that waited `before` it returned; the agents go on meanwhile. */
export async function drainOutboxes(
  network: Network,
  before: Outboxes,
  show: (progress: string) => void,
): Promise<Account['drain']> {
  const returnedAtMs = performance.now();
  await until(wait(network, 'the nodes to find the relay again'), async () => {
    show('the nodes have yet to try again');
    return (await Outboxes.of(network)).areLinked || undefined;
  });
  const linkedAtMs = performance.now();
  await until(wait(network, 'the outboxes to drain'), async () => {
    const now = await Outboxes.of(network);
    const share = now.ackedShare(before);
    show(`${barOf(share)} ${countText(now.records)} left`);
    return share === 1 || undefined;
  });
  return {
    records: before.records,
    contact_seconds: secondsOf(linkedAtMs - returnedAtMs),
    seconds: secondsOf(performance.now() - linkedAtMs),
  };
}

/** Lets the agents finish and waits until the relay holds their last changes too. */
export async function settle(network: Network): Promise<void> {
  await network.crew.finish();
  await until(wait(network, 'the last changes to reach the relay'), async () => {
    return (await Outboxes.of(network)).records === 0 || undefined;
  });
}

/** To hundredths. */
function secondsOf(ms: number): number {
  return Math.round(ms / 10) / 100;
}

function wait({ stage, signal }: Network, what: string): Wait {
  const evidence = (): string => stage.services.map((service) => service.logTail()).join('\n');
  return { what, limitMs: LIMIT_MS, signal, evidence };
}
