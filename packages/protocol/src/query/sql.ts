import { z } from 'zod';

/** A value in a row that SQL gave: integers beyond 2^53 as text, blobs in hexadecimal. */
const sqlValueSchema = z.union([z.string(), z.number(), z.null()]);

/** What a statement answers: its columns, and as many of its rows as fit. */
export const sqlAnswerSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(sqlValueSchema)),
  truncated: z.boolean().meta({ description: 'Whether there were more rows than one answer has' }),
});

/** What a statement answers. */
export type SqlAnswer = z.infer<typeof sqlAnswerSchema>;

/** The last line of a streamed answer to a statement; without it the answer was cut. */
const sqlEndSchema = z.object({
  end: z.literal(true),
  count: z.number().int().meta({ description: 'Lines before this one, that of the columns too' }),
  truncated: z.boolean(),
});

/** The last line of a streamed answer to a statement. */
export type SqlEnd = z.infer<typeof sqlEndSchema>;

/** One line of a streamed answer to a statement: the columns first, then a row each, then the end. */
export const sqlLineSchema = z.union([
  z.object({ columns: z.array(z.string()) }),
  z.array(sqlValueSchema),
  sqlEndSchema,
]);

/** A statement, as long as the relay takes it. */
export const sqlText = z.string().min(1).max(100_000);
