// What a daemon is made of, for whoever puts it together in another way: the simulation has its own time and network.

export { Agents } from './service/agents.ts';
export { Arrivals } from './service/commander/arrivals.ts';
export { LETTERS, MAIL, type StoredLetter } from './service/commander/letter.ts';
export { Post } from './service/commander/post.ts';
export { DurableChannels } from './service/durable-channels.ts';
export { Locks } from './service/locks.ts';
export { Records } from './service/records.ts';
export { repeatSweep } from './service/repeat-sweep.ts';
export { Subscriptions } from './service/replica/subscriptions.ts';
export { SharedSpace } from './service/shared/shared-space.ts';
export { Watches } from './service/shared/watches.ts';
export { sweepRegularly } from './service/expiry-timer.ts';
export { NodeDatabase } from './storage/node-database.ts';
export type { NodeLeases } from './storage/node-leases.ts';
export { ReplicaFile } from './storage/replica/replica-file.ts';
export { type SharedFile, SharedSink } from './sync/shared-sink.ts';
export { differencesOf, type Notice } from './sync/notices.ts';
export { type RelayAnswer, type RelayCall, type RelayExchange, transportOver } from './sync/relay-transport.ts';
export { SyncEngine } from './sync/sync-engine.ts';
export type { Timers } from './sync/timers.ts';
export type { EncodedBatch } from './sync/transport.ts';
