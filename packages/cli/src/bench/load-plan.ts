import type { SampleKind } from './sample-rows.ts';

/** What the load generator does; travels as JSON on its command line. */
export interface LoadPlan {
  /** `http://host:port` of the server. */
  readonly url: string;
  /** Bearer tokens; the connections take them in turn. */
  readonly tokens: readonly string[];
  /** Connections, each with one request under way at a time. */
  readonly connections: number;
  /** Time before counting begins, so that both sides run compiled code. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  /**
   * `put`: each request writes a record of its own. `get`: the requests go round `records` records. `post`: they go round
   * `bodies`, all to one path.
   */
  readonly kind: 'put' | 'get' | 'post';
  /** First part of every path, or all of it: `/v1/records/load/`. */
  readonly path: string;
  /** Begins the ids, so that two runs write different records. */
  readonly prefix: string;
  /** How many records a `get` goes round. */
  readonly records: number;
  /** What a `put` writes. Default: free-form documents. */
  readonly document?: SampleKind;
  /** What a `post` sends, as JSON text. */
  readonly bodies?: readonly string[];
}

/** What the load generator saw while it counted; one line of JSON on its standard output. */
export interface LoadResult {
  readonly requests: number;
  /** With those before counting began and after it ended. */
  readonly requestsWithWarmUp: number;
  readonly seconds: number;
  /** Processor time the generator itself took, as a share of one core. */
  readonly generatorCpuShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
