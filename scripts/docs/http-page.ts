import type { Route, RouteAnswer, RouteBody } from '@holdfast/protocol';

import { code, page, type Protocol, table } from './page.ts';
import { type Field, fieldsOf, type Schema, shapeOf } from './shape.ts';

/** Any zod schema of the contracts. */
type Contract = Extract<RouteBody, { readonly kind: 'json' }>['schema'];

/** `docs/http.md`: every call of the daemon and of the relay. */
export function httpPage(protocol: Protocol): string {
  const { bodyErrors, commonErrors, daemonRoutes, eventErrors, relayRoutes } = protocol;
  return page('HTTP interface', [
    'Every call needs `Authorization: Bearer <token>` of one of the roles named, over TCP as over the unix socket. ' +
      'Every answer that is not a success is a problem of [the catalogue](errors.md). Besides the errors listed with it, ' +
      `any call can meet ${list(commonErrors)}, any call with a body ${list(bodyErrors)}, and any call that is answered with an event stream ${list(eventErrors)}.`,
    'An event stream (`text/event-stream`, server-sent events) lasts until one side ends it. While there is nothing to tell, a ' +
      `comment comes every ${protocol.limits.eventHeartbeatSeconds} s; if the service ends it, the last event is ` +
      `\`${protocol.END_EVENT}\`, and its data the problem that tells why.`,
    'Without a token: `GET /livez`, `GET /readyz`, `GET /openapi.json`; with any token: `GET /metrics` (Prometheus).',
    '`/openapi.json` is this page for programs, and has a schema for the documents of each of the ' +
      '[collections that ship with Holdfast](built-in-collections.md).',
    '## Daemon',
    ...sections(daemonRoutes),
    '## Relay',
    ...sections(relayRoutes),
  ]);
}

function sections(routes: Readonly<Record<string, Route>>): readonly string[] {
  const overview = Object.values(routes).map(({ method, path, summary }) => [code(`${method} ${path}`), summary]);
  return [table(['call', 'what'], overview), ...Object.entries(routes).map(([id, route]) => section(id, route))];
}

function section(id: string, route: Route): string {
  const parts = [
    `### ${id}`,
    `\`${route.method} ${route.path}\``,
    `${route.summary}.`,
    `For: ${list(route.roles)}.`,
    parameterTable(route),
    bodyText(route.body),
    `Answer: ${route.status}, ${answerText(route.answer)}`,
    route.errors.length === 0 ? '' : `Errors: ${list(route.errors)}.`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function parameterTable({ params = {}, query, headers = {} }: Route): string {
  const inPath = Object.entries(params).map(([name, schema]) => ['path', name, ...cells(field(name, schema))]);
  const inQuery =
    query === undefined ? [] : fieldsOf(schemaOf(query)).map((each) => ['query', each.name, ...cells(each)]);
  const inHeaders = Object.entries(headers).map(([name, description]) => ['header', name, 'string', description]);
  const rows = [...inPath, ...inQuery, ...inHeaders].map(([place = '', name = '', ...rest]) => [
    place,
    code(name),
    ...rest,
  ]);
  return rows.length === 0 ? '' : table(['in', 'name', 'type', 'meaning'], rows);
}

function field(name: string, contract: Contract): Field {
  const wrapped: Schema = { properties: { [name]: schemaOf(contract) }, required: [name] };
  const [found] = fieldsOf(wrapped);
  if (found === undefined) throw new Error(`no field ${name}`);
  return found;
}

function cells({ shape, isRequired, description }: Field): readonly string[] {
  return [code(shape), isRequired ? description : ['optional', description].filter((part) => part !== '').join('; ')];
}

function bodyText(body: RouteBody | undefined): string {
  if (body === undefined) return '';
  switch (body.kind) {
    case 'document':
      return 'Body: the document, JSON.';
    case 'patch':
      return 'Body: a merge patch, `application/merge-patch+json`.';
    case 'json':
      return `Body: ${jsonText(body.schema)}`;
    case 'ndjson':
      return `Body: ${linesText(body.lines)}`;
    case 'json-or-ndjson':
      return `Body: ${jsonText(body.schema)}\n\nOr ${linesText(body.lines)}`;
  }
}

function answerText(answer: RouteAnswer): string {
  switch (answer.kind) {
    case 'none':
      return 'no body.';
    case 'document':
      return 'the document, JSON.';
    case 'json':
      return jsonText(answer.schema);
    case 'json-or-ndjson':
      return [
        jsonText(answer.schema),
        linesText(answer.lines),
        ...(answer.events ? [eventsText(answer.events)] : []),
      ].join('\n\nOr ');
    case 'events':
      return `an event stream, the data of each event ${jsonText(answer.schema)}`;
  }
}

function jsonText(contract: Contract): string {
  const schema = schemaOf(contract);
  const fields = fieldsOf(schema);
  if (fields.length === 0) return `JSON: ${code(shapeOf(schema))}.`;
  return `a JSON object:\n\n${table(
    ['field', 'type', 'meaning'],
    fields.map((each) => [code(each.name), ...cells(each)]),
  )}`;
}

function linesText(contract: Contract): string {
  return `NDJSON, each line ${choicesText(contract)}.`;
}

function eventsText(contract: Contract): string {
  return `where \`Accept\` asks for \`text/event-stream\`, an event stream, the data of each event JSON: ${choicesText(contract)}.`;
}

function choicesText(contract: Contract): string {
  const schema = schemaOf(contract);
  const choices = (schema.anyOf ?? [schema]).flatMap((choice) => choice.anyOf ?? choice.oneOf ?? [choice]);
  return choices.map((choice) => code(shapeOf(choice))).join(' or ');
}

/** What a contract accepts, as JSON Schema. What JSON Schema cannot say shows as any JSON. */
function schemaOf(contract: Contract): Schema {
  return contract.toJSONSchema({ io: 'input', unrepresentable: 'any' }) as Schema;
}

function list(names: readonly string[]): string {
  return names.map(code).join(', ');
}
