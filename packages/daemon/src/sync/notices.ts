import type { Rewound, Settlement } from '@holdfast/store';
import type { Logger } from 'pino';

/** Something that happened to a stream and must not pass in silence. */
export type Notice =
  /** The relay stood behind what it had acknowledged. */
  | ({ readonly kind: 'rewound' } & Rewound)
  /** The relay stood ahead, and records were taken over from it. */
  | { readonly kind: 'adopted'; readonly settlement: Settlement }
  /** Records here and at the relay were not the same, and were made so. */
  | { readonly kind: 'repaired'; readonly settlement: Settlement }
  /** They are still not the same after several repairs. */
  | { readonly kind: 'diverged' };

/** Records that were not the same here and at the relay. */
export function differencesOf({ taken, renewed, resent, broken, gone }: Settlement): number {
  return taken + renewed + resent + broken + gone;
}

/** What there is to say, in one sentence, without anybody's data. */
export function noticeText(notice: Notice): string {
  switch (notice.kind) {
    case 'rewound':
      return `the relay was put back, or is a new one: ${notice.records} records are sent again${goneText(notice)}`;
    case 'adopted':
      return `this file was put back or an answer was lost: ${countsOf(notice.settlement)}`;
    case 'repaired':
      return `records differed from the relay's: ${countsOf(notice.settlement)}`;
    case 'diverged':
      return "records still differ from the relay's after repairing: they are compared again now and then";
  }
}

/** Logs a notice, once. */
export function logNotice(log: Logger, agent: string, notice: Notice): void {
  const isBad = 'settlement' in notice && notice.settlement.broken + notice.settlement.gone > 0;
  const isAlarm = notice.kind === 'diverged' || isBad || (notice.kind === 'rewound' && notice.gone > 0);
  log[isAlarm ? 'error' : 'warn']({ agent, ...notice }, noticeText(notice));
}

function goneText({ gone }: Rewound): string {
  return gone === 0 ? '' : `, ${gone} were removed here by retention and cannot be`;
}

function countsOf({ taken, renewed, resent, broken, gone, unknown }: Settlement): string {
  const counts: readonly (readonly [count: number, what: string])[] = [
    [taken, 'taken over'],
    [renewed, 'sent as the later write'],
    [resent, 'sent again'],
    [broken, 'damaged at the relay and left there'],
    [gone, 'removed here by retention and lost at the relay'],
    [unknown, 'of 256 parts count what retention removed at the relay alone'],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
}
