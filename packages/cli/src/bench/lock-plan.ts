/** What cycles of a lock, taken and released again, are made with; travels as JSON on a command line. */
export interface LockPlan {
  /** A daemon, with an agent's token and whose locks; or the port of a Redis. */
  readonly server:
    | { readonly kind: 'daemon'; readonly url: string; readonly token: string; readonly scope: 'node' | 'network' }
    | { readonly kind: 'redis'; readonly port: number };
  /** How many cycle at once, each with a lock of its own. */
  readonly lanes: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** How far it came while it was counted. */
export interface LockResult {
  readonly cycles: number;
  /** With those before counting began and after it ended. */
  readonly cyclesWithWarmUp: number;
  readonly seconds: number;
}
