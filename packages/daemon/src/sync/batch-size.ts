import { limits } from '@holdfast/protocol';
import type { BatchBounds } from '@holdfast/store';

/** How much a stream sends at once: as much as may be, less while the relay takes less (protocol rules 9 and 10). */
export class BatchSize {
  #changes: number = limits.syncBatchChanges;

  /** What the next batch may hold. */
  get bounds(): BatchBounds {
    return { changes: this.#changes, bytes: limits.syncBatchBytes };
  }

  /** The relay would not take that many: half of what was sent, which may have been less than allowed. */
  shrink(sentChanges: number): void {
    this.#changes = Math.max(1, sentChanges >> 1);
  }

  /** The relay took a batch: twice as much, up to the limit. */
  grow(): void {
    this.#changes = Math.min(limits.syncBatchChanges, this.#changes * 2);
  }
}
