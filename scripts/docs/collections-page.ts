import { page, type Protocol } from './page.ts';

/** `docs/collections.md`: the collections that ship with Holdfast, each with its example. */
export function collectionsPage({ builtInCollections }: Protocol): string {
  const sections = builtInCollections.map(({ name, help, document, example }) => {
    const kind = document === 'any' ? 'Documents: any JSON value.' : 'Documents: JSON objects.';
    const shown = JSON.stringify(example.document, null, 2);
    return `## ${name}\n\n${help}. ${kind}\n\nExample, with the id \`${example.id}\`:\n\n\`\`\`json\n${shown}\n\`\`\``;
  });
  return page('Collections', [
    'A collection nobody declared is free-form: it begins with its first record and holds JSON objects. These are ' +
      'declared.',
    ...sections,
  ]);
}
