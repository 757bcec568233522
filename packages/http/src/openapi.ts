import {
  answeredDocument,
  bodyErrors,
  commonErrors,
  errorCatalogue,
  eventErrors,
  type ErrorCode,
  type Json,
  problemSchema,
  type Route,
  type RouteBody,
} from '@holdfast/protocol';
import { z } from 'zod';

import type { Routes } from './call.ts';
import { mediaTypesOf } from './guards.ts';
import { documentComponents, documentReference } from './openapi-documents.ts';

/** What the document says of the service itself. */
export interface OpenApiInfo {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly routes: Routes;
}

type Tree = { [key: string]: Json };
type Components = Record<string, Json>;

/**
 * The OpenAPI 3.1 document of a contract, as JSON text; made from the very schemas that check requests, and the declarations that
 * check documents.
 */
export function openApiText({ name, version, description, routes }: OpenApiInfo): string {
  const components: Components = documentComponents();
  components['Problem'] = schemaOf(problemSchema, 'Problem', components);
  const paths: Record<string, Tree> = {};
  for (const [id, route] of Object.entries(routes)) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(id, route, components);
  }
  return JSON.stringify({
    openapi: '3.1.0',
    info: { title: name, version, description },
    security: [{ token: [] }],
    paths,
    components: { schemas: components, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  });
}

function operationOf(id: string, route: Route, components: Components): Tree {
  const { summary, body, roles } = route;
  return {
    operationId: id,
    summary,
    description: `Roles: ${roles.join(', ')}.`,
    parameters: parametersOf(id, route, components),
    ...(body && { requestBody: { required: true, content: requestContent(id, body, components) } }),
    responses: { [route.status]: success(id, route, components), ...problems(route) },
  };
}

function parametersOf(id: string, { params, query, headers }: Route, components: Components): Json[] {
  const inPath = Object.entries(params ?? {}).map(([name, schema]) => ({
    name,
    in: 'path',
    required: true,
    schema: schemaOf(schema, `${id}.${name}`, components),
  }));
  const inQuery = Object.entries<z.ZodType>(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    // Parameters that are read from text refuse "nothing" too, unless they are optional.
    required: !z.safeParse(schema, undefined).success,
    schema: schemaOf(schema, `${id}.${name}`, components),
  }));
  const inHeader = Object.entries(headers ?? {}).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function requestContent(id: string, body: RouteBody, components: Components): Tree {
  const name = `${id}.request`;
  const content: Tree = {};
  for (const type of mediaTypesOf(body.kind)) {
    if (type === 'application/x-ndjson' && 'lines' in body)
      content[type] = lines(schemaOf(body.lines, `${name}.line`, components));
    else if (body.kind === 'document') content[type] = { schema: documentReference(body.collection) };
    else content[type] = { schema: 'schema' in body ? schemaOf(body.schema, name, components) : anyJson };
  }
  return content;
}

function success(id: string, { answer }: Route, components: Components): Tree {
  const name = `${id}.answer`;
  if (answer.kind === 'none') return { description: 'Done' };
  if (answer.kind === 'document') {
    const schema = documentReference(answer.collection);
    return { description: 'The document', content: { 'application/json': { schema } } };
  }
  if (answer.kind === 'events') {
    const content = { 'text/event-stream': events(schemaOf(answer.schema, name, components)) };
    return { description: 'An event stream', content };
  }
  const content: Tree = { 'application/json': { schema: schemaOf(answer.schema, name, components) } };
  if (answer.kind === 'json-or-ndjson')
    content['application/x-ndjson'] = lines(schemaOf(answer.lines, `${name}.line`, components));
  if (answer.kind === 'json-or-ndjson' && answer.events !== undefined)
    content['text/event-stream'] = events(schemaOf(answer.events, `${name}.event`, components));
  return { description: 'Done', content };
}

const anyJson: Tree = { description: 'Any JSON' };

function lines(schema: Tree): Tree {
  return { schema: { description: 'Each line is JSON of this schema', anyOf: [schema] } };
}

function events(schema: Tree): Tree {
  return { schema: { description: 'The data of each event is JSON of this schema', anyOf: [schema] } };
}

/** The errors of a route, together by status. */
function problems(route: Route): Tree {
  const ofAnswer = route.answer.kind === 'events' || 'events' in route.answer ? eventErrors : [];
  const codes = new Set<ErrorCode>([...commonErrors, ...(route.body ? bodyErrors : []), ...ofAnswer, ...route.errors]);
  const byStatus: Tree = {};
  for (const status of new Set([...codes].map((code) => errorCatalogue[code].status))) {
    const own = [...codes].filter((code) => errorCatalogue[code].status === status);
    byStatus[status] = {
      description: own.map((code) => `\`${code}\`: ${errorCatalogue[code].title}`).join('; '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return byStatus;
}

/** JSON Schema of a schema. What it defines for itself becomes a component, under a name of its own. */
function schemaOf(schema: z.ZodType, name: string, components: Components): Tree {
  const made = z.toJSONSchema(schema, { unrepresentable: 'any', override: referToDocuments });
  const {
    $schema: _dialect,
    $defs: definitions,
    ...rest
  } = JSON.parse(JSON.stringify(made).replaceAll('"#/$defs/', `"#/components/schemas/${name}.`)) as Tree & {
    $defs?: Components;
  };
  for (const [key, definition] of Object.entries(definitions ?? {})) components[`${name}.${key}`] = definition;
  return rest;
}

/** What a query finds is a document like those that are written. */
function referToDocuments({
  zodSchema,
  jsonSchema,
}: {
  readonly zodSchema: unknown;
  readonly jsonSchema: object;
}): void {
  if (zodSchema === answeredDocument) Object.assign(jsonSchema, documentReference());
}
