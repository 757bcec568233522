import { isHoldfastError } from '@holdfast/protocol';

import type { GroupCommit } from '../group-commit.ts';
import type { ReadSnapshot } from '../read-snapshot.ts';
import type { DerivedUpkeep } from './upkeep.ts';

/** What is asked, and of what. */
interface Asked {
  readonly upkeep: DerivedUpkeep;
  readonly commits: GroupCommit;
  readonly snapshot: ReadSnapshot;
}

/** Asks by members and words so that the answer knows of all that was written, also while the disk takes no writes. Throws what `ask` throws. */
export function askAll<Answer>(ask: () => Answer, asked: Asked): Answer {
  const { upkeep, snapshot } = asked;
  if (!upkeep.isBehind || hasCaughtUp(asked)) return ask();
  snapshot.end();
  return upkeep.askUnwritten(ask);
}

function hasCaughtUp({ upkeep, commits }: Asked): boolean {
  try {
    commits.runNow({ run: () => upkeep.catchUpForQuestion(), bytes: 0 });
    return true;
  } catch (error) {
    if (isHoldfastError(error) && (error.code === 'disk-full' || error.code === 'storage-read-only')) return false;
    throw error;
  }
}
