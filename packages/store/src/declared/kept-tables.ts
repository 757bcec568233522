import { WORDS_FUNCTION } from './words.ts';

/** Stands between the texts of a record, so that no phrase reaches from one into the next. */
const BETWEEN_TEXTS = '\u{E000}';

/** Members are told apart by their first characters: who asks compares the rest. */
export const MEMBER_CHARACTERS = 200;

/**
 * A full-text index (FTS5) of what is derived of records, with their key as its own. Only a file that needs it has it: it takes its time
 * to be made and opened. An index of this kind takes what changes in one transaction all together: a table of a row for each member had to
 * write a page for each.
 */
export interface KeptTable {
  readonly name: 'members' | 'texts';
  /** Its columns and how it is kept, as its definition has them. */
  readonly makeup: string;
  /** The table that says of which fields. */
  readonly fields: 'member_fields' | 'text_fields';
  /** A statement that adds rows for records; `from`: which, in SQL that comes after FROM; `key`: the records' own. */
  readonly insert: (key: string, from: string) => string;
}

/** Members of lists, each a word of its own: which records have it. */
export const membersTable: KeptTable = {
  name: 'members',
  makeup: "items, content='', contentless_delete=1, detail=none, tokenize='ascii'",
  fields: 'member_fields',
  insert: (key, from) => {
    const items = `SELECT group_concat(${memberWord('member_fields.field')}, ' ')
      FROM member_fields, json_each(records.doc, member_fields.path) AS item
      WHERE member_fields.collection = records.collection AND json_type(records.doc, member_fields.path) = 'array'
      AND item.type IN ('text', 'integer', 'real')`;
    return `INSERT INTO members (rowid, items) SELECT record, items FROM
      (SELECT records.${key} AS record, records.collection AS owner, (${items}) AS items FROM ${from}) WHERE items IS NOT NULL`;
  },
};

/** All texts in searched fields, however deep they stand, and the collection as a word of its own (`owner`). */
export const textsTable: KeptTable = {
  name: 'texts',
  makeup: `owner, body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2"`,
  fields: 'text_fields',
  insert: (key, from) => {
    const body = `SELECT group_concat(${WORDS_FUNCTION}(item.atom), ' ${BETWEEN_TEXTS} ')
      FROM text_fields, json_tree(records.doc, text_fields.path) AS item
      WHERE text_fields.collection = records.collection AND item.type = 'text'`;
    return `INSERT INTO texts (rowid, owner, body) SELECT record, owner, body FROM
      (SELECT records.${key} AS record, records.collection AS owner, (${body}) AS body FROM ${from}) WHERE body IS NOT NULL`;
  },
};

/** All that is kept. */
export const keptTables: readonly KeptTable[] = [membersTable, textsTable];

/** The statement that makes a kept table where there is none. */
export function definitionOf({ name, makeup }: KeptTable, schema: 'main' | 'temp' = 'main'): string {
  return `CREATE VIRTUAL TABLE IF NOT EXISTS ${schema}.${name} USING fts5(${makeup})`;
}

/** The word that a member `item` of `json_each` stands for; the same for numbers that are equal. `field`: the index's number, in SQL. */
export function memberWord(field: string): string {
  return `'f' || ${field} || iif(item.type = 'text', 't' || hex(substr(item.value, 1, ${MEMBER_CHARACTERS})),
    'n' || hex(CAST(item.value AS REAL)))`;
}
