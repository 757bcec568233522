import { go, type TransitionTable } from './machine.ts';

/**
 * The node's link to the relay.
 *
 *     off ──enrolled──▶ opening ──opened──▶ open ──┐ timer: renew the session
 *                        ▲   │               │ ◀───┘
 *                  timer │   │ lost          │ lost
 *                        └── waiting ◀───────┘        refused: paused, tried again slowly
 *                                                     superseded: cloned, asked again slowly: once the other
 *                                                     has been silent for its lease, the relay lets us in
 */
export type LinkState = 'off' | 'opening' | 'open' | 'waiting' | 'paused' | 'cloned';

/**
 * What can happen to a link. `lost`: no answer, or none that makes sense. `refused`: 401, 403, 404 or 426, which
 * trying again at once cannot mend. `superseded`: another start of this node speaks for it (protocol rule 7).
 */
export type LinkEvent = 'enrolled' | 'opened' | 'lost' | 'refused' | 'superseded' | 'timer';

/** What the driver does for a link. */
export type LinkEffect =
  | 'open-session'
  | 'release-streams'
  | 'hold-streams'
  | 'arm-heartbeat'
  | 'arm-retry'
  | 'arm-slow-retry'
  | 'alarm';

/** The link's transitions (protocol rules 7 and 9). */
export const linkTransitions: TransitionTable<LinkState, LinkEvent, LinkEffect> = {
  off: {
    enrolled: go('opening', 'open-session'),
    opened: go('off'),
    lost: go('off'),
    refused: go('off'),
    superseded: go('off'),
    timer: go('off'),
  },
  opening: {
    enrolled: go('opening'),
    opened: go('open', 'release-streams', 'arm-heartbeat'),
    lost: go('waiting', 'arm-retry'),
    refused: go('paused', 'alarm', 'arm-slow-retry'),
    superseded: go('cloned', 'alarm', 'arm-slow-retry'),
    timer: go('opening'),
  },
  open: {
    enrolled: go('open'),
    opened: go('open', 'release-streams', 'arm-heartbeat'),
    lost: go('waiting', 'hold-streams', 'arm-retry'),
    refused: go('paused', 'hold-streams', 'alarm', 'arm-slow-retry'),
    superseded: go('cloned', 'hold-streams', 'alarm', 'arm-slow-retry'),
    timer: go('open', 'open-session'),
  },
  waiting: {
    enrolled: go('waiting'),
    opened: go('waiting'),
    lost: go('waiting'),
    refused: go('paused', 'alarm', 'arm-slow-retry'),
    superseded: go('cloned', 'alarm', 'arm-slow-retry'),
    timer: go('opening', 'open-session'),
  },
  paused: {
    enrolled: go('paused'),
    opened: go('paused'),
    lost: go('paused'),
    refused: go('paused'),
    superseded: go('cloned', 'alarm', 'arm-slow-retry'),
    timer: go('opening', 'open-session'),
  },
  cloned: {
    enrolled: go('cloned'),
    opened: go('open', 'release-streams', 'arm-heartbeat'),
    lost: go('cloned', 'arm-slow-retry'),
    refused: go('paused', 'alarm', 'arm-slow-retry'),
    superseded: go('cloned', 'alarm', 'arm-slow-retry'),
    timer: go('cloned', 'open-session'),
  },
};
