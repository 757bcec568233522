import type { Change } from '@holdfast/protocol';
import { rowOfChange } from '@holdfast/store';

import { type Key, keyOf, type Stored } from './values.ts';

/** A change as a call carries it. */
export interface SentChange {
  readonly key: Key;
  readonly stored: Stored;
}

/** The changes that a call carries. */
export function changesIn(route: string, body: string): SentChange[] {
  if (route === 'immediate') {
    const { agent, change } = JSON.parse(body) as { agent: string; change: Change };
    return [sentChange(agent, change)];
  }
  if (route !== 'batch') return [];
  const [header, ...changes] = body.trimEnd().split('\n');
  const { agent } = JSON.parse(header ?? '') as { agent: string };
  return changes.map((line) => sentChange(agent, JSON.parse(line) as Change));
}

function sentChange(agent: string, change: Change): SentChange {
  const stored = rowOfChange(change);
  return { key: keyOf(agent, stored), stored };
}
