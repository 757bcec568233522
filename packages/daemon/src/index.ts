export { initNode } from './data-directory.ts';
export { type DaemonOptions, type RunningDaemon, startDaemon } from './start.ts';
export { nodeMigrations } from './storage/migrations/index.ts';
export type { AskNode, CallHandler, CallHandlers, NodeCall } from './sync/call-handlers.ts';
