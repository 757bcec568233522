import type { Settlement } from '@holdfast/store';
import type { Logger } from 'pino';

/** Something that happened to a stream and must not pass in silence. */
export type Notice =
  /** The relay stood behind what it had acknowledged. */
  | { readonly kind: 'rewound'; readonly records: number }
  /** The relay stood ahead, and records were taken over from it. */
  | { readonly kind: 'adopted'; readonly settlement: Settlement }
  /** Records here and at the relay were not the same, and were made so. */
  | { readonly kind: 'repaired'; readonly settlement: Settlement }
  /** They are still not the same after several repairs. */
  | { readonly kind: 'diverged' };

/** Records that were not the same here and at the relay. */
export function differencesOf({ taken, renewed, resent, broken }: Settlement): number {
  return taken + renewed + resent + broken;
}

/** What there is to say, in one sentence, without anybody's data. */
export function noticeText(notice: Notice): string {
  switch (notice.kind) {
    case 'rewound':
      return `the relay was put back, or is a new one: ${notice.records} records are sent again`;
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
  const isAlarm = notice.kind === 'diverged' || ('settlement' in notice && notice.settlement.broken > 0);
  log[isAlarm ? 'error' : 'warn']({ agent, ...notice }, noticeText(notice));
}

function countsOf({ taken, renewed, resent, broken }: Settlement): string {
  const counts: readonly (readonly [count: number, what: string])[] = [
    [taken, 'taken over'],
    [renewed, 'sent as the later write'],
    [resent, 'sent again'],
    [broken, 'damaged at the relay and left there'],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
}
