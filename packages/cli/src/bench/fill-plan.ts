import type { SampleKind } from './sample-rows.ts';

/** What fills a relay's database; travels as JSON on its command line. */
export interface FillPlan {
  /** The database of a relay that is prepared and does not run. */
  readonly path: string;
  readonly nodes: number;
  /** Over all nodes. */
  readonly records: number;
  readonly kind: SampleKind;
}

/** How long that took; one line of JSON on standard output. */
export interface FillResult {
  readonly records: number;
  readonly seconds: number;
}
