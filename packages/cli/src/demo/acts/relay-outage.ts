import { countText } from '../../wording.ts';
import { type Account, spreadOf } from '../account.ts';
import type { Network } from '../network.ts';
import { Outboxes } from '../outboxes.ts';
import { pause } from '../waiting.ts';

const OUTAGE_SECONDS = 3;
const LOOK_SECONDS = 0.25;

/** Kills the relay and lets the agents work on; it stays away. */
export async function loseRelay(network: Network, show: (progress: string) => void): Promise<Account['relay_outage']> {
  const { stage, crew, signal } = network;
  const outboxDepth = async (): Promise<number> => (await Outboxes.of(network)).records;
  const before = await outboxDepth();
  await stage.relay.stop('SIGKILL');
  crew.takeLatenciesMs();
  for (let second = 0; second < OUTAGE_SECONDS; second += LOOK_SECONDS) {
    await pause(LOOK_SECONDS * 1000, signal);
    show(`outboxes ${countText(await outboxDepth())}`);
  }
  const latenciesMs = crew.takeLatenciesMs();
  return {
    seconds: OUTAGE_SECONDS,
    writes: latenciesMs.length,
    acknowledged: spreadOf(latenciesMs),
    outbox_records_before: before,
    outbox_records_after: await outboxDepth(),
  };
}
