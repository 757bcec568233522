import type { KeySpan } from './portions.ts';
import type { DerivedUpkeep } from './upkeep.ts';

/**
 * Makes members of lists and words of the records in spans anew. `write` runs each portion in a transaction of its own, so that others
 * may write in between. Rejects with what it throws; what was made until then stays.
 */
export async function deriveAnew(
  upkeep: DerivedUpkeep,
  spans: readonly KeySpan[],
  write: (run: () => KeySpan | undefined) => Promise<KeySpan | undefined>,
): Promise<void> {
  for (const span of spans) {
    for (let left: KeySpan | undefined = span; left !== undefined;) {
      const next: KeySpan = left;
      left = await write(() => upkeep.deriveAnew(next));
    }
  }
}
