export { wantsEvents, wantsLines } from './accept.ts';
export {
  type Answer,
  type BodyOf,
  type Call,
  type Handler,
  type Handlers,
  type JsonBody,
  type Line,
  type Lines,
  type NdjsonBody,
  type ParamsOf,
  type QueryOf,
  type Routes,
  type ServerEvent,
} from './call.ts';
export { addLockMetrics } from './lock-metrics.ts';
export { addDiskGauges, type DiskReport, reportDisk } from './disk-report.ts';
export type { Authenticate, Identity, ReadHeader } from './identity.ts';
export type { ListenAt } from './listeners.ts';
export type { Check } from './probes.ts';
export { type AddGauge, countersOf, gaugesOf } from './metric-makers.ts';
export { rateLimitHeaders } from './rate-limit-headers.ts';
export { recordLines } from './record-lines.ts';
export {
  type RetentionDemand,
  RetentionKeeper,
  type RetentionKeeperOptions,
  type RetentionSource,
} from './retention-keeper.ts';
export { type CheckedFile, reportScrub } from './scrub-report.ts';
export { createService, type Service, type ServiceOptions } from './service.ts';
export { type ServiceAddress, urlOf, writeServiceFile } from './service-file.ts';
export { makeToken, type NewToken, type ParsedToken, parseToken, tokenMatches } from './tokens.ts';
