import type { Migration } from '@holdfast/sqlite';
import { leaseTables } from '@holdfast/store';

/** Who holds which lock of the network. */
export const leases: Migration = { name: 'leases', ...leaseTables };
