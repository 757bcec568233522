import type { SetupRequest } from '../query-process/messages.ts';
import type { SqlView } from './views.ts';

/** What a process that runs a statement is told before it. */
export interface SqlSetup extends SetupRequest {
  /** The database's path. */
  readonly path: string;
  readonly views: readonly SqlView[];
}
