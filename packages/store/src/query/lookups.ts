import type { Now } from '@holdfast/protocol';
import type { Database } from '@holdfast/sqlite';

import type { Declarations } from '../declared/declarations.ts';
import type { AgentPlace } from './agent-scope.ts';
import { jsonPath } from './field.ts';
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
  /** The texts that are members of an indexed list somewhere in the file, in order; at most 100,000. */
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
        if (index === undefined) return [];
        const members = database.prepare(MEMBER_TEXTS).pluck();
        return members.all({ field: index.number, most: MOST_MEMBERS }) as string[];
      }),
    idsByMembers: ({ resource, collection }, path, { groups, least, limit }) =>
      reading(() => {
        const index = declarations.upkeep.memberIndexes(collection).get(path);
        if (index === undefined) return [];
        const wanted = JSON.stringify(groups.flatMap((texts, group) => texts.map((text) => [text, group])));
        const ids = database.prepare(idsByMembersOf(collection)).pluck();
        return ids.all({ wanted, field: index.number, least, resource, now: now(), limit }) as string[];
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

function idsByMembersOf(collection: string): string {
  return `
    SELECT records.id FROM (
      SELECT members.record FROM json_each(:wanted) AS wanted
        CROSS JOIN members ON members.field = :field AND members.value = wanted.value ->> 0
      GROUP BY members.record HAVING count(DISTINCT wanted.value ->> 1) >= :least
    ) AS found CROSS JOIN records ON records.seq = found.record
    WHERE collection = ${named(collection)} AND resource = :resource AND deleted = 0
      AND (expires_at IS NULL OR expires_at > :now)
    ORDER BY records.id LIMIT :limit`;
}

/** One step of the index for each different text, not for each record that has it. */
const MEMBER_TEXTS = `
  WITH RECURSIVE step (text) AS (
    SELECT min(value) FROM members WHERE field = :field AND value >= ''
    UNION ALL
    SELECT (SELECT min(value) FROM members WHERE field = :field AND value > step.text) FROM step WHERE step.text IS NOT NULL
    LIMIT :most
  )
  SELECT text FROM step WHERE typeof(text) = 'text'`;
