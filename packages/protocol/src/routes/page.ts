import { z } from 'zod';

import { limits } from '../limits.ts';

/** How many a page of a list has, as a call's parameter. */
export const pageLimit = z.coerce.number().int().min(1).max(limits.pageRecords).optional();

/** Parameters of a call that lists records page by page. */
export const pageQuery = {
  limit: pageLimit,
  after: z.string().max(limits.pageTokenLength).optional().meta({ description: '`next` of the page before' }),
};
