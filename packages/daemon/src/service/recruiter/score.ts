import type { Match, MatchReasons } from '@holdfast/protocol';

import { type Applicant, skillKey, type Wanted } from './wanted.ts';

/** What each part of a requisition is worth when it is met. Together 100. */
const POINTS = { required: 60, niceToHave: 20, experience: 10, location: 10 } as const;

/** How well a candidate fits what is wanted, and why. */
export function matchOf(candidate: string, applicant: Applicant, wanted: Wanted): Match {
  const reasons = reasonsOf(applicant, wanted);
  const { name, status } = applicant;
  return { candidate, name, status, score: scoreOf(reasons), reasons };
}

/** The better match first: by score, then by experience, unknown last, then by id. */
export function compareMatches(one: Match, other: Match): number {
  if (one.score !== other.score) return other.score - one.score;
  if (yearsOf(one) !== yearsOf(other)) return yearsOf(other) - yearsOf(one);
  return one.candidate < other.candidate ? -1 : 1;
}

function yearsOf({ reasons }: Match): number {
  return reasons.experience.years ?? -1;
}

function reasonsOf(applicant: Applicant, wanted: Wanted): MatchReasons {
  const has = new Set(applicant.skills.map(skillKey));
  const { experience_years: years } = applicant;
  const { minExperienceYears: minimum } = wanted;
  return {
    required: parted(wanted.required, has),
    nice_to_have: parted(wanted.niceToHave, has),
    experience: { years, minimum, met: minimum === null || years === null ? null : years >= minimum },
    location: {
      candidate: applicant.location,
      requisition: wanted.location,
      met: isSamePlace(applicant.location, wanted.location),
    },
  };
}

function parted(skills: readonly string[], has: ReadonlySet<string>): MatchReasons['required'] {
  const isMet = (skill: string): boolean => has.has(skillKey(skill));
  return { met: skills.filter(isMet), missing: skills.filter((skill) => !isMet(skill)) };
}

function isSamePlace(one: string | null, wanted: string | null): boolean | null {
  return one === null || wanted === null ? null : skillKey(one) === skillKey(wanted);
}

function scoreOf({ required, nice_to_have: niceToHave, experience, location }: MatchReasons): number {
  const points =
    POINTS.required * shareOf(required) +
    POINTS.niceToHave * shareOf(niceToHave) +
    POINTS.experience * (experience.minimum === null || experience.met === true ? 1 : 0) +
    POINTS.location * (location.requisition === null || location.met === true ? 1 : 0);
  return Math.round(points);
}

/** The part of the skills that is met; all, where none is asked for. */
function shareOf({ met, missing }: MatchReasons['required']): number {
  const count = met.length + missing.length;
  return count === 0 ? 1 : met.length / count;
}
