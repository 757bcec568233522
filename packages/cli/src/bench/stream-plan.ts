/** What reads a stream of the relay, or rows by hand; travels as JSON on the command line. */
export interface StreamPlan {
  readonly url: string;
  readonly token: string;
  readonly collection: string;
}

/** What rows are read from by hand. */
export interface IteratePlan {
  readonly path: string;
  readonly sql: string;
}

/** How much came; one line of JSON on standard output. */
export interface StreamResult {
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Requests it took, each going on where the one before ended. */
  readonly requests: number;
}
