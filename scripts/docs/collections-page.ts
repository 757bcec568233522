import { page, type Protocol } from './page.ts';

/** `docs/built-in-collections.md`: the collections that ship with Holdfast, each with its fields and its example. */
export function collectionsPage({ builtInCollections }: Protocol): string {
  const sections = builtInCollections.map((collection) => sectionOf(collection));
  return page('Built-in collections', [
    'The collections that ship with Holdfast. [collections.md](collections.md) says what the parts mean, and how to declare others.',
    ...sections,
  ]);
}

type BuiltIn = Protocol['builtInCollections'][number];

function sectionOf(collection: BuiltIn): string {
  const { name, help, document, open, writtenBy, indexes = [], search = [], example } = collection;
  const kind =
    document === 'any'
      ? 'Documents: any JSON value.'
      : `Documents: JSON objects${open ? ', with further fields too' : ''}.`;
  const found = [
    ...(indexes.length === 0 ? [] : [`Indexes: ${indexes.map((paths) => `\`${paths.join(', ')}\``).join('; ')}.`]),
    ...(writtenBy === undefined ? [] : [`Written by \`${writtenBy}\` alone.`]),
    ...(search.length === 0 ? [] : [`Searched: ${search.map((path) => `\`${path}\``).join(', ')}.`]),
  ];
  const shown = JSON.stringify(example.document, null, 2);
  return [
    `## ${name}`,
    `${help}. ${kind}`,
    ...fieldsTable(collection),
    ...(found.length === 0 ? [] : [found.join(' ')]),
    `Example, with the id \`${example.id}\`:`,
    `\`\`\`json\n${shown}\n\`\`\``,
  ].join('\n\n');
}

function fieldsTable({ fields = {} }: BuiltIn): string[] {
  const rows = Object.entries(fields).map(([name, { type, required, personal, help = '' }]) => {
    const marks = [...(required === true ? ['required'] : []), ...(personal === true ? ['personal'] : [])];
    return `| \`${name}\` | ${[type, ...marks].join(', ')} | ${help} |`;
  });
  return rows.length === 0 ? [] : [['| field | type | |', '|---|---|---|', ...rows].join('\n')];
}
