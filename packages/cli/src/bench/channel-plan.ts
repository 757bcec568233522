/** Publishers and listeners of one channel, in bytes on plain sockets; travels as JSON on the command line. */
export interface ChannelPlan {
  readonly port: number;
  readonly listeners: number;
  /** Connections, each with one message under way at a time. */
  readonly publishers: number;
  readonly messages: number;
  /** What a listener sends at the beginning, and what it is sent once it listens. */
  readonly listen: string;
  readonly listening: string;
  /** What a publisher sends; each message holds `MARK` once. */
  readonly publish: string;
  /** The end of the answer to it. */
  readonly published: string;
}

/** Stands in each message once, and nowhere else: by it listeners count. */
export const MARK = '~';

/** What came of it; one line of JSON on standard output. */
export interface ChannelResult {
  /** From the first message until the last listener had the last one. */
  readonly seconds: number;
  /** Messages over all listeners. */
  readonly heard: number;
  /** Processor time the load itself took, as a share of one core. */
  readonly loadCpuShare: number;
}
