import { candidates, isJsonObject, type Json, type JsonObject } from '@holdfast/protocol';

import { CommandError } from '../command-error.ts';

const known: readonly string[] = ['id', ...Object.keys(candidates.fields)];
const namesByKey = new Map(known.map((name) => [keyOf(name), name]));

/** What columns are often called, by the field they mean. */
const synonyms: Readonly<Record<string, string>> = {
  fullname: 'name',
  emailaddress: 'email',
  mail: 'email',
  phonenumber: 'phone',
  telephone: 'phone',
  mobile: 'phone',
  skill: 'skills',
  skillset: 'skills',
  experience: 'experience_years',
  yearsexperience: 'experience_years',
  yearsofexperience: 'experience_years',
  city: 'location',
  cv: 'resume',
};

/**
 * The field a column means, whatever its case, spaces and dashes; a field of its own for one that is not known. Undefined
 * for a column without a name.
 */
function fieldOf(column: string): string | undefined {
  const key = keyOf(column);
  if (key === '') return undefined;
  const meant = namesByKey.get(key) ?? synonyms[key];
  if (meant !== undefined) return meant;
  const name = column
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/gu, '_');
  return name === '__proto__' ? undefined : name;
}

/** The field each column of a header means. Throws CommandError for a field that stands there twice, or none we know. */
export function fieldsOf(header: readonly string[]): readonly (string | undefined)[] {
  const fields = header.map(fieldOf);
  const twice = fields.find((field, index) => field !== undefined && fields.indexOf(field) !== index);
  if (twice !== undefined) throw new CommandError(`two columns mean "${twice}"`, 'Rename or remove one of them.');
  if (!fields.some((field) => field !== undefined && known.includes(field))) {
    const remedy = `Begin with a header; the fields are ${known.join(', ')}.`;
    throw new CommandError('the first line names no field of candidates', remedy);
  }
  return fields;
}

/** The values of a row under their fields; empty cells are left out. */
export function valuesOfCells(fields: readonly (string | undefined)[], cells: readonly string[]): JsonObject {
  const values = new Map<string, Json>();
  for (const [index, cell] of cells.entries()) {
    const field = fields[index];
    if (field !== undefined && cell.trim() !== '') values.set(field, valueOf(field, cell.trim()));
  }
  return Object.fromEntries(values);
}

/** The values of a JSON object under the fields its keys mean; nulls are left out. Undefined for what is no object. */
export function valuesOfObject(entry: Json): JsonObject | undefined {
  if (!isJsonObject(entry)) return undefined;
  const values = new Map<string, Json>();
  for (const [key, value] of Object.entries(entry)) {
    const field = fieldOf(key);
    if (field === undefined || value === null || values.has(field)) continue;
    values.set(field, typeof value === 'string' ? valueOf(field, value.trim()) : value);
  }
  return Object.fromEntries(values);
}

function valueOf(field: string, text: string): Json {
  if (field === 'skills') return skillsIn(text);
  if (field === 'status') return text.toLowerCase().replaceAll(/[\s-]+/gu, '_');
  // A comma, as much of Europe writes it. What is no number stays text, and is refused as that.
  if (field === 'experience_years') return /^\d+(?:[.,]\d+)?$/.test(text) ? Number(text.replace(',', '.')) : text;
  return text;
}

function skillsIn(text: string): string[] {
  const skills = text.split(/[;,|]/u).map((skill) => skill.trim());
  return [...new Set(skills.filter((skill) => skill !== ''))];
}

function keyOf(name: string): string {
  return name
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[\s_-]+/gu, '');
}
