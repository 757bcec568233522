import { addressedCollections, type Addressing, SHARED_AGENT } from '@holdfast/protocol';
import { all, named, placeholders, sql, type Sql } from '@holdfast/store';

/**
 * Holds for the records that agents of other nodes addressed to agents of one (protocol rule 21). In SQL over records and the streams
 * that brought them. Of all other collections no document is looked at.
 */
export function addressedTo(node: string): Sql {
  const collections = Object.entries<Addressing>(addressedCollections);
  const branches = collections.map(([collection, addressing]) => {
    const { text, params } = all([...isWhile(addressing), names(addressing, node)]);
    return sql(`WHEN ${named(collection)} THEN (${text})`, ...params);
  });
  const ofCollections = sql(
    `CASE collection ${branches.map(({ text }) => text).join(' ')} ELSE 0 END`,
    ...branches.flatMap(({ params }) => params),
  );
  return all([
    sql('node <> ? AND agent <> ?', node, SHARED_AGENT),
    // In this order: what rotted, or is no JSON, cannot be asked for its fields.
    sql(
      `CASE WHEN deleted = 0 AND damaged = 0 AND json_valid(doc) THEN ${ofCollections.text} ELSE 0 END`,
      ...ofCollections.params,
    ),
  ]);
}

function isWhile({ while: only }: Addressing): Sql[] {
  if (only === undefined) return [];
  return [sql(`json_extract(doc, ?) IN (${placeholders(only.oneOf.length)})`, `$.${only.field}`, ...only.oneOf)];
}

// A text is one name, a list several.
function names({ field }: Addressing, node: string): Sql {
  const path = `$.${field}`;
  const isForNode = "name.value = '*@*' OR substr(name.value, instr(name.value, '@')) = ?";
  return sql(
    `json_type(doc, ?) IN ('text', 'array') AND
     EXISTS (SELECT 1 FROM json_each(doc, ?) AS name WHERE name.type = 'text' AND (${isForNode}))`,
    path,
    path,
    `@${node}`,
  );
}
