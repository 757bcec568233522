import { setImmediate as nextTurn } from 'node:timers/promises';

import { type Match, type Matches, limits, type Query } from '@holdfast/protocol';

import type { RecordPage, Records, Scope } from '../records.ts';
import { compareMatches, matchOf } from './score.ts';
import { applicantFields, applicantOf, skillKey, type Wanted, wantedBy } from './wanted.ts';

/** Statuses of candidates who are out of the question, unless one of them is asked for. */
const OUT: readonly string[] = ['hired', 'rejected', 'withdrawn'];
const DEFAULT_MATCHES = 20;

/** What is asked of a list of matches. */
export interface MatchRequest {
  readonly limit?: number | undefined;
  /** Only candidates of this status. Default: all who are not out of the question. */
  readonly status?: string | undefined;
  /** How many of the required skills a candidate may lack. Default 0. */
  readonly lacking?: number | undefined;
}

/**
 * The candidates who fit a requisition, best first. A candidate has all required skills but `lacking` of them, and is not
 * known to have less than the least experience. Looks at `limits.matchedCandidates` at most, the first by id, and lets
 * others have their turn between two pages. Throws `record-not-found`.
 */
export async function matchesOf(
  records: Records,
  scope: Scope,
  { requisition, limit = DEFAULT_MATCHES, status, lacking = 0 }: MatchRequest & { readonly requisition: string },
): Promise<Matches> {
  const wanted = wantedBy(JSON.parse(records.read(scope, 'requisitions', requisition).text));
  const where = whoMayFit(wanted, records.memberTexts(scope, 'candidates', 'skills'), { status, lacking });
  if (where === undefined) return { requisition, matches: [], examined: 0, complete: true };
  let best: Match[] = [];
  let examined = 0;
  let after: string | undefined;
  do {
    if (after !== undefined) await nextTurn();
    const page = pageOf(records, scope, { where, after });
    const fitting = page.records
      .map(({ id, doc }) => matchOf(id, applicantOf(doc), wanted))
      .filter(({ reasons }) => reasons.required.missing.length <= lacking);
    best = [...best, ...fitting].toSorted(compareMatches).slice(0, limit);
    examined += page.records.length;
    after = page.next ?? undefined;
  } while (after !== undefined && examined < limits.matchedCandidates);
  return { requisition, matches: best, examined, complete: after === undefined };
}

type Where = NonNullable<Query['where']>;

/** Which candidates are looked at, by the index of skills; undefined: nobody has a skill that is required. */
function whoMayFit(
  { required, minExperienceYears }: Wanted,
  known: readonly string[],
  { status, lacking }: { readonly status: string | undefined; readonly lacking: number },
): Where | undefined {
  const spellings = Map.groupBy(known, skillKey);
  const each = required.map((skill) => spellings.get(skillKey(skill)) ?? []);
  if (each.filter((spelled) => spelled.length === 0).length > lacking) return undefined;
  const mustHave = required.length <= lacking ? [] : lacking === 0 ? each : [each.flat()];
  const atLeast: Where[] =
    minExperienceYears === null
      ? []
      : [{ or: [{ experience_years: { gte: minExperienceYears } }, { experience_years: null }] }];
  return {
    and: [
      { status: status === undefined ? { nin: [...OUT] } : status },
      ...mustHave.map((spelled) => ({ skills: { hasAny: spelled } })),
      ...atLeast,
    ],
  };
}

function pageOf(
  records: Records,
  scope: Scope,
  { where, after }: { readonly where: Where; readonly after: string | undefined },
): RecordPage {
  return records.page(scope, 'candidates', {
    where,
    select: [...applicantFields],
    limit: limits.pageRecords,
    ...(after !== undefined && { after }),
  });
}
