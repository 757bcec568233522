import type {
  Candidate,
  CandidateDuplicates,
  CandidateSearch,
  Match,
  Matches,
  MatchOptions,
  Page,
} from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { collect, parseNumber, parseWholeNumber } from '../option-values.ts';
import { paint } from '../output.ts';
import { withDaemon } from '../services.ts';
import { plainTable } from '../table.ts';
import { countOf, countText } from '../wording.ts';
import { cell } from './cell.ts';

interface SearchFlags {
  readonly skill?: readonly string[];
  readonly anySkill?: readonly string[];
  readonly minYears?: string;
  readonly status?: readonly string[];
  readonly location?: string;
  readonly text?: string;
  readonly limit?: string;
  readonly after?: string;
}

interface MatchFlags {
  readonly limit?: string;
  readonly status?: string;
  readonly lacking?: string;
}

/** `holdfast recruiter search`. */
export function searchCommand(): Command {
  const command = new Command('search')
    .description('Find candidates by skills, experience, status, place and words; all that is said holds.')
    .option('--skill <skill>', 'they have this skill, spelled so; may be repeated', collect)
    .option('--any-skill <skill>', 'they have one of these; may be repeated', collect)
    .option('--min-years <years>', 'they have at least so many years of experience')
    .option('--status <status>', 'they stand there; may be repeated', collect)
    .option('--location <place>', 'they are there, spelled so')
    .option('--text <words>', 'words and "phrases" of name, resume and notes; the best fit first')
    .option('--limit <candidates>', 'most candidates of the answer (default: 100)')
    .option('--after <next>', '`next` of the answer before');
  withAction<SearchFlags>(command, async ({ options, output }) => {
    const page = await withDaemon(options, ({ recruiter }) => recruiter.search(searchOf(options)));
    output.answer(page, () => searchText(page));
  });
  return withExamples(command, 'recruiter search --skill Python --min-years 3 --status active --agent recruiter');
}

/** `holdfast recruiter duplicates`. */
export function duplicatesCommand(): Command {
  const command = new Command('duplicates')
    .description('List e-mail addresses that several candidates share, whatever their case.')
    .option('--limit <addresses>', 'most addresses of the answer (default: 100)');
  withAction<Pick<SearchFlags, 'limit'>>(command, async ({ options, output }) => {
    const limit = options.limit === undefined ? undefined : parseWholeNumber(options.limit, '--limit');
    const found = await withDaemon(options, ({ recruiter }) => recruiter.duplicates({ limit }));
    output.answer(found, () => duplicatesText(found));
  });
  return withExamples(command, 'recruiter duplicates --agent recruiter');
}

/** `holdfast recruiter match`. */
export function matchCommand(): Command {
  const command = new Command('match')
    .description('Rank candidates for a requisition, best first, with the reasons.')
    .argument('<requisition>', "the requisition's id")
    .option('--limit <candidates>', 'most candidates of the answer (default: 20)')
    .option('--status <status>', 'only candidates of this status (default: all but hired, rejected, withdrawn)')
    .option('--lacking <skills>', 'how many of the required skills they may lack (default: 0)');
  withAction<MatchFlags>(command, async ({ args: [requisition = ''], options, output }) => {
    const matches = await withDaemon(options, ({ recruiter }) => recruiter.matches(requisition, matchOf(options)));
    output.answer(matches, () => matchesText(matches));
  });
  return withExamples(command, 'recruiter match backend-lisbon --limit 5 --agent recruiter');
}

function searchOf({ skill, anySkill, minYears, status, limit, location, text, after }: SearchFlags): CandidateSearch {
  return {
    skillsAll: skill,
    skillsAny: anySkill,
    minExperienceYears: minYears === undefined ? undefined : parseNumber(minYears, '--min-years'),
    // Which statuses there are is the daemon's to say.
    status: status as CandidateSearch['status'],
    location,
    text,
    limit: limit === undefined ? undefined : parseWholeNumber(limit, '--limit'),
    after,
  };
}

function matchOf({ limit, status, lacking }: MatchFlags): MatchOptions {
  return {
    ...(limit !== undefined && { limit: parseWholeNumber(limit, '--limit') }),
    ...(status !== undefined && { status: status as MatchOptions['status'] }),
    ...(lacking !== undefined && { lacking: parseWholeNumber(lacking, '--lacking') }),
  };
}

function searchText({ records, next }: Page<Candidate>): string {
  const rows = records.map(({ id, doc }) => [
    id,
    ...[doc.name, doc.skills, doc.experience_years, doc.status, doc.location].map(cell),
  ]);
  const titles = ['candidate', 'name', 'skills', 'years', 'status', 'location'];
  const more = next === null ? '' : paint('dim', `\n\nmore: --after ${next}`);
  return records.length === 0 ? 'nobody' : plainTable(titles, rows) + more;
}

function duplicatesText({ duplicates, complete }: CandidateDuplicates): string {
  if (duplicates.length === 0) return 'no address is there twice';
  const rows = duplicates.map(({ email, count, candidates }) => [email, countText(count), candidates.join(', ')]);
  return plainTable(['address', 'times', 'candidates'], rows) + (complete ? '' : paint('dim', '\n\nthere are more'));
}

function matchesText({ matches, examined, complete }: Matches): string {
  const rest = complete ? '' : paint('yellow', `\n\nonly the first ${countText(examined)} candidates were looked at`);
  if (matches.length === 0) return `nobody of ${countOf(examined, 'candidate')} looked at${rest}`;
  const rows = matches.map((match) => [String(match.score), match.candidate, cell(match.name), reasonsText(match)]);
  return plainTable(['score', 'candidate', 'name', 'why'], rows) + rest;
}

function reasonsText({ reasons }: Match): string {
  const { required, nice_to_have: nice, experience, location } = reasons;
  const has = [...required.met, ...nice.met];
  const lacks = [...required.missing, ...nice.missing];
  const years = experience.years === null ? 'experience not known' : countOf(experience.years, 'year');
  const least = experience.minimum === null ? '' : ` of ${experience.minimum}`;
  const isElsewhere = location.requisition !== null && location.met !== true;
  return [
    ...(has.length > 0 ? [`has ${has.join(', ')}`] : []),
    ...(lacks.length > 0 ? [`lacks ${lacks.join(', ')}`] : []),
    `${years}${least}`,
    ...(isElsewhere ? [location.candidate === null ? 'place not known' : `in ${location.candidate}`] : []),
  ].join('; ');
}
