import type { NodeConfig, Now } from '@holdfast/protocol';
import type { Logger } from 'pino';

import type { NodeDeclaration } from './service/node-declarations.ts';
import type { AskNode, CallHandlers } from './sync/call-handlers.ts';

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly config: NodeConfig;
  /** The data directory; made if it is not there, and held by this process alone. */
  readonly directory: string;
  readonly log: Logger;
  /** Holdfast's version, for status and OpenAPI. */
  readonly version: string;
  /** Collections that every agent has. Default: none. */
  readonly declarations?: readonly NodeDeclaration[];
  /** What other nodes may ask of this one beside what agents do, made with what asks them. Default: nothing. */
  readonly calls?: (ask: AskNode) => CallHandlers;
  /** Wall-clock milliseconds. Default: `Date.now`. */
  readonly now?: Now;
  /** Milliseconds that only grow, for rate limits. Default: `performance.now`. */
  readonly monotonicMs?: () => number;
  /** From the start to the first check of all files, in milliseconds. Default: ten minutes. */
  readonly scrubAfterMs?: number;
}
