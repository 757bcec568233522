/** What asks a database by hand; travels as JSON on its command line. */
export interface SqlPlan {
  /** The database file; another process may write to it. */
  readonly path: string;
  /** With question marks. */
  readonly sql: string;
  /** What the question marks stand for; the runs go round these. */
  readonly params: readonly (readonly (string | number)[])[];
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** What asking took; one line of JSON on standard output. */
export interface SqlResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of one run, in the mean. */
  readonly rows: number;
  /** Processor time of one run, in microseconds, in the mean. */
  readonly cpuUs: number;
}
