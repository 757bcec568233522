import { limits } from '@holdfast/protocol';

import type { Records, Scope } from '../records.ts';

/** Candidates who share an e-mail address. */
export interface Duplicates {
  readonly email: string;
  readonly count: number;
  readonly candidates: readonly string[];
}

/** The addresses that several candidates share, in order, at most `limit`, and whether these are all. */
export function duplicatesOf(
  records: Records,
  scope: Scope,
  limit: number,
): { readonly duplicates: readonly Duplicates[]; readonly complete: boolean } {
  const most = { texts: limit + 1, perText: limits.duplicateCandidates };
  const groups = Map.groupBy(records.sharedTexts(scope, 'candidates', { path: 'email', most }), ({ text }) => text);
  const duplicates = [...groups].map(([email, shared]) => ({
    email,
    count: shared[0]?.count ?? 0,
    candidates: shared.map(({ id }) => id),
  }));
  return { duplicates: duplicates.slice(0, limit), complete: duplicates.length <= limit };
}
