/** Where a message is published: a channel, which is of one resource. */
export interface Address {
  readonly resource: string;
  readonly channel: string;
}

/** What somebody listens to: the channels of a resource that a pattern covers, in which `*` stands for any run of characters. */
export interface Interest {
  readonly resource: string;
  readonly pattern: string;
  /** For whom. */
  readonly agent: string;
  /** For how many listeners of that agent; 0: for none any more. */
  readonly listeners: number;
}

/** Who listens: `owner` is what the listener called itself. */
export interface Presence {
  readonly owner: string;
  readonly agent: string;
  readonly listeners: number;
}

/**
 * The messages for a listener, in the groups they came in, none of them empty: in the order in which each publisher published them,
 * each once, though several of its interests may fit. Can be read once. Ends when its signal aborts. Throws `listener-too-slow` when more waits than the bound, after which the
 * listener gets nothing more.
 */
export interface Listening<Message> extends AsyncIterable<readonly Message[]> {
  /** Changes interests: of each, by resource, pattern and agent, to so many listeners. What stays misses nothing. */
  update(changes: readonly Interest[]): Promise<void>;
}

/**
 * Hands messages to whoever listens when they are published: at most once, and to nobody later. Several processes may share one.
 * Resources never meet.
 */
export interface Fanout<Message> {
  /**
   * Hands a message to the listeners that fit, but those of the owner `except`; never waits for them to take it. Resolves with how
   * many listeners that is, as their interests count them.
   */
  publish(address: Address, message: Message, except?: string): Promise<number>;

  /** Listens until `signal` aborts. What is published after it resolved is heard. */
  listen(owner: string, interests: readonly Interest[], signal: AbortSignal): Promise<Listening<Message>>;

  /**
   * Who listens to what `pattern` covers, or to a pattern that covers it; for the name of a channel: who would hear a message there.
   * In the order of owner and agent.
   */
  present(resource: string, pattern: string): Promise<readonly Presence[]>;
}
