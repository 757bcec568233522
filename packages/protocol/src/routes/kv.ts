import { z } from 'zod';

import { limits } from '../limits.ts';
import { recordId } from '../names.ts';
import { timestamp, version } from '../record.ts';
import { pageLimit } from './page.ts';

/** An entry of a listing of keys. */
export const kvEntrySchema = z.object({
  key: recordId,
  value: z.json(),
  version,
  updated_at: timestamp,
  expires_at: timestamp.optional(),
});

/** Which keys are listed. */
export const listQuery = z.strictObject({
  prefix: z.string().max(limits.idLength).optional(),
  limit: pageLimit,
  after: recordId.optional().meta({ description: 'The last key of the page before' }),
});
