import type { Migration } from '@holdfast/sqlite';

import { derivedTables } from '../declared/derived-tables.ts';

/** What records are found by beside their keys: members of lists, and words. Filled when the file is opened. */
export const declared: Migration = { name: 'declared', ...derivedTables };
