/** What the plain loop does; travels as JSON on its command line. */
export interface LoopPlan {
  /** The database file it makes. */
  readonly path: string;
  readonly rows: number;
  /** Rows in one transaction. */
  readonly chunkRows: number;
  /** Whether each row starts as a line of text that is parsed in the loop, as a service must. */
  readonly fromText: boolean;
}

/** How long the plain loop took; one line of JSON on its standard output. */
export interface LoopResult {
  readonly rows: number;
  readonly seconds: number;
  /** Processor time of the loop. */
  readonly cpuSeconds: number;
}
