import { z } from 'zod';

import { limits } from '../limits.ts';
import { didYouMean } from '../nearest.ts';

/** Says of keys that are not known which was meant. */
const knowing = (
  ...known: readonly string[]
): { error: (issue: { code?: string; keys?: unknown }) => string | undefined } => ({
  error: ({ code, keys }) => (code === 'unrecognized_keys' ? unknownKeys(keys, known) : undefined),
});

/** How long records of a collection are kept in one place; a record goes that is over either. */
const policySchema = z.strictObject(
  {
    days: z
      .number()
      .int()
      .min(1)
      .max(limits.retentionDays)
      .optional()
      .meta({ description: 'Days a record is kept after its last change' }),
    records: z
      .number()
      .int()
      .min(1)
      .max(limits.retentionRecords)
      .optional()
      .meta({ description: 'Records kept; beyond it those go that were changed the longest time ago' }),
  },
  knowing('days', 'records'),
);

/** How long records of a collection are kept in one place; nothing of both: for ever. */
export type RetentionPolicy = z.infer<typeof policySchema>;

/** The places that keep records, each by its own policy (protocol rule 17). */
export type RetentionSide = 'node' | 'relay';

/** How long the records of a collection are kept, on the node and on the relay. */
export const retentionSchema = z.strictObject(
  {
    node: policySchema.optional().meta({ description: 'On the node: of what the relay has acknowledged' }),
    relay: policySchema.optional().meta({ description: 'On the relay' }),
  },
  knowing('node', 'relay'),
);

/** How long the records of a collection are kept, on the node and on the relay. */
export type Retention = z.infer<typeof retentionSchema>;

/** Two retentions as one that removes nothing that either of them keeps; undefined: all is kept. */
export function bothRetentions(one: Retention | undefined, other: Retention | undefined): Retention | undefined {
  const node = bothPolicies(one?.node, other?.node);
  const relay = bothPolicies(one?.relay, other?.relay);
  return node === undefined && relay === undefined ? undefined : { ...(node && { node }), ...(relay && { relay }) };
}

function bothPolicies(
  one: RetentionPolicy | undefined,
  other: RetentionPolicy | undefined,
): RetentionPolicy | undefined {
  const days = longer(one?.days, other?.days);
  const records = longer(one?.records, other?.records);
  if (days === undefined && records === undefined) return undefined;
  return { ...(days !== undefined && { days }), ...(records !== undefined && { records }) };
}

function longer(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : Math.max(one, other);
}

function unknownKeys(keys: unknown, known: readonly string[]): string {
  const [first = ''] = Array.isArray(keys) ? keys.map(String) : [];
  return `"${first}" is none of ${known.join(', ')}${didYouMean(first, known)}`;
}
