export type { Address, Fanout, Interest, Listening, Presence } from './fanout.ts';
export { type FanoutBounds, MemoryFanout } from './memory-fanout.ts';
export { beginningOf, matcherOf } from './pattern.ts';
