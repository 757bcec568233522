export { initNode } from './data-directory.ts';
export type { DaemonOptions } from './options.ts';
export { type RunningDaemon, startDaemon } from './start.ts';
export { nodeMigrations } from './storage/migrations/index.ts';
export type { AskNode, CallHandler, CallHandlers, NodeCall } from './sync/call-handlers.ts';
