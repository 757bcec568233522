import type { HoldfastRelay } from '@holdfast/client';
import type { RelayStatus } from '@holdfast/protocol';

import { type Finding, warn } from './check.ts';
import { checkRoom, checkScrub } from './service.ts';

/** The relay's disk, what its background check found, and whether its database was put back. Needs a viewer's token. */
export async function checkRelayState(relay: Pick<HoldfastRelay, 'status'>): Promise<readonly Finding[]> {
  try {
    const { disk, scrub, put_back: putBack } = await relay.status();
    return [checkRoom(disk), checkScrub(scrub, ROT), ...checkPutBack(putBack)];
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [warn('relay', detail, 'Its state can be looked at with a token of the relay only.')];
  }
}

const ROT =
  'See the log of the relay. Damaged records are sent again by their nodes; if later checks find more, put it back: holdfast restore relay.';

function checkPutBack(putBack: RelayStatus['put_back']): readonly Finding[] {
  if (putBack === null) return [];
  const remedy = 'Nodes send what it lacks by themselves. If nobody put it back, look at its disk.';
  return [warn('database', `found put back or replaced at the start: ${putBack}`, remedy)];
}
