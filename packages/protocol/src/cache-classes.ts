/** A kind of cached value. */
export interface CacheClass {
  /** How long a value of this class is kept, unless it is put with another time. */
  readonly ttlSeconds: number;
  readonly help: string;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** What is cached, and for how long. */
export const cacheClasses = Object.freeze({
  default: { ttlSeconds: 10 * MINUTE, help: 'What names no class' },
  session: { ttlSeconds: HOUR, help: "What belongs to a user's session" },
  agent_state: { ttlSeconds: 5 * MINUTE, help: 'What agents do just now' },
  query: { ttlSeconds: 10 * MINUTE, help: 'Answers to queries' },
  task_result: { ttlSeconds: 24 * HOUR, help: 'What came of tasks' },
  metrics: { ttlSeconds: HOUR, help: 'Figures that were summed up' },
} as const satisfies Readonly<Record<string, CacheClass>>);

/** The name of a kind of cached value. */
export type CacheClassName = keyof typeof cacheClasses;

/** The names of the kinds of cached values. */
export const cacheClassNames = Object.keys(cacheClasses) as [CacheClassName, ...CacheClassName[]];
