import type { SampleKind } from './sample-rows.ts';

/** What the bulk writer does; travels as JSON on its command line. */
export interface BulkPlan {
  readonly url: string;
  readonly token: string;
  readonly rows: number;
  /** What the rows are. Default: free-form ones. */
  readonly kind?: SampleKind;
}

/** What the bulk writer saw; one line of JSON on its standard output. */
export interface BulkResult {
  readonly rows: number;
  /** From the first byte of the request to the last line of the answer. */
  readonly seconds: number;
  /** Processor time the writer itself took, as a share of one core. */
  readonly generatorCpuShare: number;
}
