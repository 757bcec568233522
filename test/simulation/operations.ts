import { Counts } from './counts.ts';

/** What agents do beside plain writes, and what comes of it. Counted when it was done, not when it was asked for. */
export const OPERATION_KINDS = [
  'letter-to-node',
  'letter-beside',
  'letter-asked-again',
  'letter-arrived',
  'letter-read',
  'letter-deleted',
  'message-kept',
  'message-heard',
  'lock-taken',
  'lock-held',
  'lock-released',
  'subscribed',
  'unsubscribed',
  'copy-begun-anew',
] as const;

/** One thing agents do. */
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** How often each was done. */
export class OperationCounts extends Counts<OperationKind> {
  constructor() {
    super(OPERATION_KINDS);
  }
}
