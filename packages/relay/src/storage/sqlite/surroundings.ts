import type { Unindexed } from '@holdfast/network';
import type { StorageGuard } from '@holdfast/sqlite';
import type { RowSource } from '@holdfast/store';

/** What a store of the relay finds around it. */
export interface Surroundings {
  /** What is asked and told when the disk fails. Default: nobody. */
  readonly guard?: StorageGuard | undefined;
  /** Where queries run: it asks the same file. Default: in the store, where they hold everything up. */
  readonly rows?: RowSource | undefined;
  /** Told whenever other declared indexes than before are not built; none: all are. Must not throw. */
  readonly onUnindexed?: ((unindexed: Unindexed) => void) | undefined;
}
