import { z } from 'zod';

const skills = z.array(z.string()).catch([]);
const years = z.number().nullable().catch(null);
const text = z.string().nullable().catch(null);

/** What of a requisition decides who fits. Documents may hold anything there: what does not fit is taken as missing. */
const requisitionSchema = z.object({
  required_skills: skills,
  nice_to_have_skills: skills,
  min_experience_years: years,
  location: text,
});

const candidateSchema: z.ZodType<Applicant> = z.object({
  name: text,
  status: text,
  skills,
  experience_years: years,
  location: text,
});

/** What a requisition asks for. */
export interface Wanted {
  /** Each skill once, whatever its case. */
  readonly required: readonly string[];
  /** Each skill once, and none that is required. */
  readonly niceToHave: readonly string[];
  readonly minExperienceYears: number | null;
  readonly location: string | null;
}

/** What of a candidate is looked at. */
export interface Applicant {
  readonly name: string | null;
  readonly status: string | null;
  readonly skills: readonly string[];
  readonly experience_years: number | null;
  readonly location: string | null;
}

/** The fields `applicantOf` reads. */
export const applicantFields: readonly string[] = Object.freeze([
  'name',
  'status',
  'skills',
  'experience_years',
  'location',
]);

/** What a requisition's document asks for. */
export function wantedBy(document: unknown): Wanted {
  const read = requisitionSchema.parse(document);
  const required = oncePerSkill(read.required_skills);
  const keys = new Set(required.map(skillKey));
  return {
    required,
    niceToHave: oncePerSkill(read.nice_to_have_skills).filter((skill) => !keys.has(skillKey(skill))),
    minExperienceYears: read.min_experience_years,
    location: read.location,
  };
}

/** What of a candidate's document is looked at. */
export function applicantOf(document: unknown): Applicant {
  return candidateSchema.parse(document);
}

/** What two spellings of a skill or place have in common: neither case nor spaces around it count. */
export function skillKey(text: string): string {
  return text.normalize('NFC').trim().toLowerCase();
}

function oncePerSkill(skills: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const skill of skills) if (!byKey.has(skillKey(skill))) byKey.set(skillKey(skill), skill.trim());
  byKey.delete('');
  return [...byKey.values()];
}
