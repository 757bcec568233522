import type { Now } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import type { Declarations } from '../declared/declarations.ts';
import type { AgentPlace } from './agent-scope.ts';
import { jsonPath } from './field.ts';
import { memberWord } from '../declared/kept-tables.ts';
import { indexedValue } from './place.ts';
import { named } from './sql.ts';

/** Members of one list field that are looked through for spellings. */
const MOST_MEMBERS = 100_000;

/** A record whose text others have too. */
export interface SharedText {
  /** The text without spaces around it, A to Z in lower case. */
  readonly text: string;
  readonly id: string;
  /** How many records have it. */
  readonly count: number;
}

/** Reads what queries do not answer: which texts of a field are shared, and how members of lists are spelled. */
export interface Lookups {
  /**
   * The records whose text in a declared field others have too, whatever its case, text by text and then by id. Of each
   * text the first `perText`, and at most `texts` texts. SQLite sorts them outside of our memory.
   */
  sharedTexts(
    place: AgentPlace,
    path: string,
    most: { readonly texts: number; readonly perText: number },
  ): SharedText[];
  /**
   * The texts that are members of an indexed list somewhere in the file, in order, of long ones their first 200 characters; at most
   * 100,000. Some that no record has any more may be among them.
   */
  memberTexts(collection: string, path: string): string[];
  /**
   * The ids of records whose indexed list has a member of enough groups of texts, in order. It reads the index of members and no
   * document.
   */
  idsByMembers(place: AgentPlace, path: string, wanted: MemberGroups): string[];
}

/** Which members records are to have. */
export interface MemberGroups {
  /** Of each group one text is enough. */
  readonly groups: readonly (readonly string[])[];
  /** How many groups a record has to have. */
  readonly least: number;
  /** Most ids of the answer. */
  readonly limit: number;
}

/** What else an agent's file can be asked. `reading` guards each read. */
export function openLookups(
  database: Database,
  declarations: Declarations,
  { now, reading }: { readonly now: Now; readonly reading: <Result>(read: () => Result) => Result },
): Lookups {
  return {
    sharedTexts: ({ resource, collection }, path, { texts, perText }) =>
      reading(() => {
        const shared = database.prepare(sharedTextsOf(collection, path));
        return shared.all(resource, now(), texts, perText) as SharedText[];
      }),
    memberTexts: (collection, path) =>
      reading(() => {
        const index = declarations.upkeep.memberIndexes(collection).get(path);
        return index === undefined ? [] : memberTextsOf(database, index.number);
      }),
    idsByMembers: ({ resource, collection }, path, { groups, least, limit }) =>
      reading(() => {
        const index = declarations.upkeep.memberIndexes(collection).get(path);
        if (index === undefined) return [];
        const ids = database.prepare(idsByMembersOf(collection, index.number)).pluck();
        const wanted = { groups: JSON.stringify(groups), least };
        return ids.all({ ...wanted, resource, now: now(), limit }) as string[];
      }),
  };
}

function sharedTextsOf(collection: string, path: string): string {
  const value = indexedValue(jsonPath(path));
  return `
    WITH texts AS MATERIALIZED (
      SELECT lower(trim(${value})) AS text, id FROM records
      WHERE collection = ${named(collection)} AND resource = ? AND deleted = 0 AND (expires_at IS NULL OR expires_at > ?)
        AND ${value} > '' AND typeof(${value}) = 'text'
    ),
    shared AS (SELECT text, count(*) AS count FROM texts GROUP BY text HAVING count(*) > 1 ORDER BY text LIMIT ?)
    SELECT text, id, count FROM (
      SELECT text, id, count, row_number() OVER (PARTITION BY text ORDER BY id) AS place FROM texts JOIN shared USING (text)
    ) WHERE place <= ? ORDER BY text, id`;
}

function idsByMembersOf(collection: string, field: number): string {
  return `
    SELECT records.id FROM (
      SELECT members.rowid AS record FROM (
        SELECT ${memberWord(String(field))} AS word, groups.key AS place
        FROM json_each(:groups) AS groups, json_each(groups.value) AS item
      ) AS wanted CROSS JOIN members ON members MATCH wanted.word
      GROUP BY members.rowid HAVING count(DISTINCT wanted.place) >= :least
    ) AS found CROSS JOIN records ON records.seq = found.record
    WHERE collection = ${named(collection)} AND resource = :resource AND deleted = 0
      AND (expires_at IS NULL OR expires_at > :now)
    ORDER BY records.id LIMIT :limit`;
}

/** The words of the index, of this connection. Those that no record has any more may still be among them. */
const MEMBER_WORDS = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.member_words USING fts5vocab('main', 'members', 'row')";

const WORDS_OF_FIELD = 'SELECT term FROM temp.member_words WHERE term >= :first AND term < :end LIMIT :most';

/** The texts that are members of an indexed list; of long ones the first characters, which is all that the index has of them. */
function memberTextsOf(database: Database, field: number): string[] {
  // Made by no transaction: one that were undone would take it away.
  database.exec(MEMBER_WORDS);
  // Such a word begins with the number of the field and the letter of texts; the tokenizer has put it into small letters.
  const [first, end] = [`f${field}t`, `f${field}u`];
  const words = database.prepare(WORDS_OF_FIELD).pluck().all({ first, end, most: MOST_MEMBERS }) as string[];
  return words.map((word) => Buffer.from(word.slice(first.length), 'hex').toString());
}
