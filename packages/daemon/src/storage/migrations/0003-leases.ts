import type { Migration } from '@holdfast/sqlite';
import { leaseTables } from '@holdfast/store';

/** Who holds which lock of the node. */
export const leases: Migration = { name: 'leases', ...leaseTables };
