import type { Freshness } from '@holdfast/protocol';

import { agoText, countOf } from '../wording.ts';

type NodeFreshness = Freshness['nodes'][number];

/** How fresh an answer of the relay is, as one line: who is up to date, and of each other node what is known. */
export function freshnessText({ nodes }: Freshness, nowMs: number): string {
  const current = nodes.filter(isUpToDate);
  const others = nodes.filter((node) => !isUpToDate(node)).map((node) => standingText(node, nowMs));
  const parts = [...(current.length === 0 ? [] : [`${countOf(current.length, 'node')} up to date`]), ...others];
  return parts.length === 0 ? 'no node has such records' : parts.join('; ');
}

function isUpToDate({ connected, outstanding }: NodeFreshness): boolean {
  return connected && outstanding === 0;
}

function standingText(
  { node, connected, outstanding, last_contact_at: lastContactAt }: NodeFreshness,
  nowMs: number,
): string {
  const seen = connected
    ? 'connected'
    : lastContactAt === null
      ? 'never seen'
      : `last seen ${agoText(lastContactAt, nowMs)}`;
  const waiting =
    outstanding === null ? 'outstanding changes not known' : `${countOf(outstanding, 'change')} outstanding`;
  return `${node} ${seen}, ${waiting}`;
}
