import { setImmediate as nextTurn } from 'node:timers/promises';

import { limits, type Match, type Matches, type Query } from '@holdfast/protocol';

import type { RecordPage, Records, Scope } from '../records.ts';
import { compareMatches, matchOf } from './score.ts';
import { applicantFields, applicantOf, skillKey, type Wanted, wantedBy } from './wanted.ts';

/** Statuses of candidates who are out of the question, unless one of them is asked for. */
const OUT: readonly string[] = ['hired', 'rejected', 'withdrawn'];
const DEFAULT_MATCHES = 20;
/** Candidates with the skills, whatever their status and experience, among whom is looked at most. */
const MOST_IDS = 100_000;
/** What one `in` list may hold. */
const CHUNK_IDS = limits.queryListValues;

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
  { requisition, limit = DEFAULT_MATCHES, ...request }: MatchRequest & { readonly requisition: string },
): Promise<Matches> {
  const wanted = wantedBy(JSON.parse(records.read(scope, 'requisitions', requisition).text));
  let best: Match[] = [];
  let examined = 0;
  const ids = idsWithSkills(records, scope, { wanted, ...request });
  for (const page of pagesOf(records, scope, { wanted, ids, ...request })) {
    if (examined === limits.matchedCandidates && page.length > 0) {
      return { requisition, matches: best, examined, complete: false };
    }
    const looked = page.slice(0, limits.matchedCandidates - examined);
    const matches = looked.map(({ id, doc }) => matchOf(id, applicantOf(doc), wanted));
    best = [...best, ...matches].toSorted(compareMatches).slice(0, limit);
    examined += looked.length;
    if (looked.length < page.length) return { requisition, matches: best, examined, complete: false };
    await nextTurn();
  }
  return { requisition, matches: best, examined, complete: ids === undefined || ids.length < MOST_IDS };
}

type Where = NonNullable<Query['where']>;
type Asked = Omit<MatchRequest, 'limit'> & { readonly wanted: Wanted };

/** Everybody who comes into question, by id, page by page; of `ids`, if skills are required. */
function* pagesOf(
  records: Records,
  scope: Scope,
  { wanted, status, ids }: Asked & { readonly ids: readonly string[] | undefined },
): Generator<RecordPage['records']> {
  const where = { status: status ?? { nin: [...OUT] }, ...experienceIn(wanted) };
  if (ids === undefined) {
    yield* pagesWhere(records, scope, where);
    return;
  }
  for (let from = 0; from < ids.length; from += CHUNK_IDS) {
    yield* pagesWhere(records, scope, { ...where, id: { in: ids.slice(from, from + CHUNK_IDS) } });
  }
}

function* pagesWhere(records: Records, scope: Scope, where: Where): Generator<RecordPage['records']> {
  let after: string | undefined;
  do {
    const query = { where, select: [...applicantFields], limit: limits.pageRecords };
    const page = records.page(scope, 'candidates', after === undefined ? query : { ...query, after });
    yield page.records;
    after = page.next ?? undefined;
  } while (after !== undefined);
}

/** Not known to be below the least. */
function experienceIn({ minExperienceYears }: Wanted): Where {
  if (minExperienceYears === null) return {};
  return { or: [{ experience_years: { gte: minExperienceYears } }, { experience_years: null }] };
}

/**
 * The ids of candidates with enough of the required skills, however those are spelled, by the index of skills; undefined: no
 * skill is needed.
 */
function idsWithSkills(
  records: Records,
  scope: Scope,
  { wanted: { required }, lacking = 0 }: Asked,
): readonly string[] | undefined {
  if (required.length <= lacking) return undefined;
  const spellings = Map.groupBy(records.memberTexts(scope, 'candidates', 'skills'), skillKey);
  const groups = required.map((skill) => spellings.get(skillKey(skill)) ?? []);
  const least = required.length - lacking;
  return records.idsByMembers(scope, 'candidates', { path: 'skills', groups, least, limit: MOST_IDS });
}
