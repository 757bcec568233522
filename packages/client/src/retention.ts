import type { RetentionAnswer, RetentionRun } from '@holdfast/protocol';

/** How much longer than others a call may take that looks at all records. A run that takes longer goes on; `show` tells. */
export const ALL_RECORDS_MS = 240_000;

/** What is to be removed. */
export interface RetentionRequest {
  /** Remove nothing, and tell what would be. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Of this agent alone. */
  readonly agent?: string | undefined;
}

/** How long a service keeps records; its admins only. */
export interface RetentionClient {
  /** Removes what collections declare to be kept no longer, and tells what went. A second run at once removes nothing more. */
  run(request?: RetentionRequest): Promise<RetentionRun>;
  /** What collections declare, when it is carried out, and what the last run removed. */
  show(): Promise<RetentionAnswer>;
}
