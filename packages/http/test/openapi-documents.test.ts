import {
  builtInCollections,
  daemonRoutes,
  documentCheck,
  type Json,
  type JsonObject,
  relayRoutes,
} from '@holdfast/protocol';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';

import { openApiText } from '../src/openapi.ts';

type Tree = { readonly [key: string]: Tree };

const about = { name: 'Service', version: '1', description: 'Text' };
const node = JSON.parse(openApiText({ ...about, routes: daemonRoutes })) as Tree;
const relay = JSON.parse(openApiText({ ...about, routes: relayRoutes })) as Tree;

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
ajv.addSchema(node, 'openapi');

/** Whether a value fits a component of the node's document. */
function fits(name: string, value: Json): boolean {
  return ajv.getSchema(`openapi#/components/schemas/${name}`)?.(value) === true;
}

const values: readonly Json[] = [null, 'text', '', 1.5, -1e9, true, ['x'], [1], { no: 1 }];

describe.each(builtInCollections.map((collection) => [collection.name, collection] as const))(
  'the schema of documents of %s',
  (name, { help, example, ...declared }) => {
    test('has its help and its example, which fits', () => {
      for (const { components } of [node, relay])
        expect(components?.['schemas']?.[name]).toMatchObject({ description: help, examples: [example.document] });
      expect([fits(name, example.document), fits('Document', example.document)]).toEqual([true, true]);
    });

    test('takes what a write takes and nothing else', () => {
      const check = documentCheck(declared);
      for (const field of [...Object.keys(declared.fields ?? {}), 'further']) {
        const { [field]: _before, ...rest } = example.document as JsonObject;
        for (const document of [rest, ...values.map((value) => ({ ...rest, [field]: value }))])
          expect([document, fits(name, document)]).toEqual([document, check(document).issues.length === 0]);
      }
    });
  },
);

test('calls refer to the schemas of the documents they take and give', () => {
  const reference = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
  const body = (path: string): unknown => node['paths']?.[path]?.['put']?.['requestBody']?.['content'];
  expect(body('/v1/records/{collection}/{id}')).toEqual({ 'application/json': { schema: reference('Document') } });
  expect(body('/v1/kv/{key}')).toEqual({ 'application/json': { schema: reference('kv') } });
  expect(body('/v1/collections/{name}')).toEqual({ 'application/json': { schema: reference('collections') } });
  for (const { paths } of [node, relay])
    expect(JSON.stringify(paths)).toContain(JSON.stringify(reference('Document')).slice(1));
});
