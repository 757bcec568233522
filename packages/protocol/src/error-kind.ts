/** One kind of failure: what its HTTP answer is, whether trying again unchanged can help, and what to do. */
export interface ErrorKind {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Whether the same request may succeed later without any change. */
  readonly retryable: boolean;
  /** One line naming the failure, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string;
  /** What the caller or operator does about it. */
  readonly remedy: string;
}
