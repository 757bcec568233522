/** Which file is opened first after an upgrade; travels as JSON on the command line. */
export interface FirstOpenPlan {
  /** Where it is made. */
  readonly path: string;
  /** Messages in it. */
  readonly records: number;
}

/** How long opening took; one line of JSON on standard output. */
export interface FirstOpenResult {
  /** The first time: the schema is brought up to date, indexes and words are made. */
  readonly firstMs: number;
  /** Processor time of that. */
  readonly firstCpuMs: number;
  /** The same file again. */
  readonly againMs: number;
  readonly bytes: number;
}
