import type { Candidate, Interaction, Interview, Matches, Query } from '@holdfast/protocol';

import type { Caller } from './caller.ts';
import type { AnswerOf, DaemonRoutes, InputOf } from './calls.ts';
import type { CollectionClient, WaitOptions } from './collection.ts';
import type { Page, RecordOf } from './queries.ts';
import { eachRecord } from './query-answer.ts';

/** Which candidates to find; all that is said holds. */
export interface CandidateSearch {
  /** They have every one of these, spelled so. */
  readonly skillsAll?: readonly string[] | undefined;
  /** They have one of these. */
  readonly skillsAny?: readonly string[] | undefined;
  readonly minExperienceYears?: number | undefined;
  /** One status, or one of several. */
  readonly status?: Candidate['status'] | readonly NonNullable<Candidate['status']>[] | undefined;
  readonly location?: string | undefined;
  /** Words and "phrases" of name, resume and notes; the best fit comes first then. */
  readonly text?: string | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

/** E-mail addresses that several candidates share. */
export type CandidateDuplicates = AnswerOf<DaemonRoutes['candidate.duplicates']>;
/** Which candidates to match, and how many. */
export type MatchOptions = NonNullable<InputOf<DaemonRoutes['requisition.matches']>['query']>;
/** Which interviews to list; `limit` is the size of a page, not of the whole. */
export type UpcomingOptions = Omit<NonNullable<InputOf<DaemonRoutes['interview.upcoming']>['query']>, 'after'>;
/** How an interview ended. */
export type InterviewOutcome = InputOf<DaemonRoutes['interview.outcome']>['body'];
/** What came of recording an outcome. */
export type OutcomeAnswer = AnswerOf<DaemonRoutes['interview.outcome']>;
/** Which interactions to list; `limit` is the size of a page, not of the whole. */
export type PendingOptions = Omit<NonNullable<InputOf<DaemonRoutes['interaction.pending']>['query']>, 'after'>;
/** Who acknowledges, and what is answered. */
export type Acknowledgement = InputOf<DaemonRoutes['interaction.acknowledge']>['body'];
/** What came of acknowledging. */
export type AcknowledgeAnswer = AnswerOf<DaemonRoutes['interaction.acknowledge']>;

/** What recruiters ask, over the collections `candidates`, `requisitions`, `interviews` and `interactions`. */
export interface RecruiterClient {
  /** One page of candidates, in the order of their ids, or the best fit first with `text`. */
  search(search?: CandidateSearch): Promise<Page<Candidate>>;
  /** E-mail addresses that several candidates share, at most `limit` of them. Default 100. */
  duplicates(options?: { readonly limit?: number | undefined }): Promise<CandidateDuplicates>;
  /** Candidates who fit a requisition, best first, each with the reasons. Throws `record-not-found`. */
  matches(requisition: string, options?: MatchOptions): Promise<Matches>;
  /** Scheduled interviews, the next one first, page by page. */
  upcoming(options?: UpcomingOptions): AsyncIterable<RecordOf<Interview>>;
  /**
   * Records how an interview ended. The same again is harmless, so it is sent again when an answer is lost. Throws
   * `record-not-found`, and `precondition-failed` when it ended otherwise or does not take place.
   */
  recordOutcome(interview: string, outcome: InterviewOutcome, options?: WaitOptions): Promise<OutcomeAnswer>;
  /** Interactions nobody has acknowledged, the oldest first, page by page. */
  pending(options?: PendingOptions): AsyncIterable<RecordOf<Interaction>>;
  /**
   * Acknowledges an interaction: one caller does. The same again is harmless, so it is sent again when an answer is lost;
   * `repeated` may then tell of the first attempt. Throws `record-not-found`, and `precondition-failed` when it was
   * acknowledged otherwise.
   */
  acknowledge(interaction: string, said?: Acknowledgement, options?: WaitOptions): Promise<AcknowledgeAnswer>;
}

/** The recruiter's calls. Nothing is sent. */
export function openRecruiter(
  call: Caller<DaemonRoutes>,
  candidates: Pick<CollectionClient<Candidate>, 'query'>,
): RecruiterClient {
  return {
    search: (search = {}) => candidates.query(searchQuery(search)),
    duplicates: async (query) => (await call('candidate.duplicates', { query })).value,
    matches: async (id, query) => (await call('requisition.matches', { params: { id }, query })).value,
    upcoming: (options) => eachUpcoming(call, options ?? {}),
    recordOutcome: async (id, body, query) => {
      const { value } = await call('interview.outcome', { params: { id }, query, body }, { repeat: 'keyed' });
      return value;
    },
    pending: (query) =>
      eachRecord(async (after) => {
        const { value } = await call('interaction.pending', { query: { ...query, after } });
        return value as Page<Interaction>;
      }),
    acknowledge: async (id, body = {}, query) => {
      const { value } = await call('interaction.acknowledge', { params: { id }, query, body }, { repeat: 'keyed' });
      return value;
    },
  };
}

// The pages after the first one are of the span that the first one was of.
function eachUpcoming(call: Caller<DaemonRoutes>, options: UpcomingOptions): AsyncIterable<RecordOf<Interview>> {
  let from = options.from;
  return eachRecord(async (after) => {
    const { value } = await call('interview.upcoming', { query: { ...options, from, after } });
    from = value.from;
    return value as Page<Interview>;
  });
}

function searchQuery(search: CandidateSearch): Omit<Query, 'aggregate' | 'explain'> {
  const { skillsAll = [], skillsAny = [], minExperienceYears, status, location, text, limit, after } = search;
  const skills = {
    ...(skillsAll.length > 0 && { hasAll: [...skillsAll] }),
    ...(skillsAny.length > 0 && { hasAny: [...skillsAny] }),
  };
  return {
    where: {
      ...(Object.keys(skills).length > 0 && { skills }),
      ...(minExperienceYears !== undefined && { experience_years: { gte: minExperienceYears } }),
      ...(status !== undefined && {
        status: typeof status === 'object' && status !== null ? { in: [...status] } : status,
      }),
      ...(location !== undefined && { location }),
    },
    ...(text !== undefined && { search: text }),
    ...(limit !== undefined && { limit }),
    ...(after !== undefined && { after }),
  };
}
