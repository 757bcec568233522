import { go, type TransitionTable } from './machine.ts';

/**
 * One agent's stream on its way up.
 *
 *     held ──released──▶ clean ──written──▶ lingering ──timer──▶ sending ──drained──▶ clean
 *                                                                 │  ▲
 *                              failed: waiting, and again ◀───────┘  └── more: the next batch
 *                              mismatch: reconciling (protocol rule 6)
 *                              different: comparing (protocol rule 12), and then sending what that found
 *
 * `held`: the link is not open. Whatever state a stream is in, `held-back` leads there.
 */
export type StreamState = 'held' | 'clean' | 'lingering' | 'sending' | 'waiting' | 'reconciling' | 'comparing';

/**
 * What can happen to a stream. `released`: the link is open and the relay stands where we believe; `mismatch`: it
 * stands elsewhere; `different`: it stands there with other records. `hurried`: a caller waits for the relay. `drained` and `more`: the relay took a batch, and nothing
 * or something is left. `too-large`: the relay would not take that much at once.
 */
export type StreamEvent =
  | 'released'
  | 'held-back'
  | 'written'
  | 'hurried'
  | 'timer'
  | 'drained'
  | 'more'
  | 'failed'
  | 'too-large'
  | 'mismatch'
  | 'different';

/** What the driver does for a stream. `send` with nothing to send answers `drained`. */
export type StreamEffect = 'arm-linger' | 'arm-retry' | 'disarm' | 'send' | 'shrink' | 'reconcile' | 'repair' | 'abort';

/** The stream's transitions (protocol rules 4 to 10, 12). */
export const streamTransitions: TransitionTable<StreamState, StreamEvent, StreamEffect> = {
  held: {
    released: go('sending', 'send'),
    'held-back': go('held'),
    written: go('held'),
    hurried: go('held'),
    timer: go('held'),
    drained: go('held'),
    more: go('held'),
    failed: go('held'),
    'too-large': go('held'),
    mismatch: go('reconciling', 'reconcile'),
    different: go('comparing', 'repair'),
  },
  clean: {
    released: go('clean'),
    'held-back': go('held'),
    written: go('lingering', 'arm-linger'),
    hurried: go('sending', 'send'),
    timer: go('clean'),
    drained: go('clean'),
    more: go('sending', 'send'),
    failed: go('clean'),
    'too-large': go('clean'),
    mismatch: go('reconciling', 'reconcile'),
    different: go('comparing', 'repair'),
  },
  lingering: {
    released: go('lingering'),
    'held-back': go('held', 'disarm'),
    written: go('lingering'),
    hurried: go('sending', 'disarm', 'send'),
    timer: go('sending', 'send'),
    drained: go('lingering'),
    more: go('lingering'),
    failed: go('lingering'),
    'too-large': go('lingering'),
    mismatch: go('reconciling', 'disarm', 'reconcile'),
    different: go('lingering'),
  },
  sending: {
    released: go('sending'),
    'held-back': go('held', 'abort'),
    written: go('sending'),
    hurried: go('sending'),
    timer: go('sending'),
    drained: go('clean'),
    more: go('sending', 'send'),
    failed: go('waiting', 'arm-retry'),
    'too-large': go('sending', 'shrink', 'send'),
    mismatch: go('reconciling', 'reconcile'),
    different: go('comparing', 'repair'),
  },
  waiting: {
    released: go('waiting'),
    'held-back': go('held', 'disarm'),
    written: go('waiting'),
    hurried: go('waiting'),
    timer: go('sending', 'send'),
    drained: go('waiting'),
    more: go('waiting'),
    failed: go('waiting'),
    'too-large': go('waiting'),
    mismatch: go('reconciling', 'disarm', 'reconcile'),
    different: go('waiting'),
  },
  reconciling: {
    released: go('reconciling'),
    'held-back': go('held', 'abort'),
    written: go('reconciling'),
    hurried: go('reconciling'),
    timer: go('reconciling'),
    drained: go('clean'),
    more: go('sending', 'send'),
    failed: go('waiting', 'arm-retry'),
    'too-large': go('waiting', 'arm-retry'),
    mismatch: go('reconciling', 'reconcile'),
    different: go('reconciling'),
  },
  comparing: {
    released: go('comparing'),
    'held-back': go('held', 'abort'),
    written: go('comparing'),
    hurried: go('comparing'),
    timer: go('comparing'),
    drained: go('clean'),
    more: go('sending', 'send'),
    failed: go('waiting', 'arm-retry'),
    'too-large': go('waiting', 'arm-retry'),
    mismatch: go('reconciling', 'reconcile'),
    different: go('comparing'),
  },
};
