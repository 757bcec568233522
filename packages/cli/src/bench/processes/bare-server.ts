/**
 * The reference of the single-record figures: what anyone would write with Hono on Node's http in ten lines. It stores
 * nothing. Prints its address once it listens. Argument: how many bytes the answer to a POST has.
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

import { sampleDocument } from '../sample-document.ts';

const document = sampleDocument(1);
const app = new Hono();

app.put('/v1/records/:collection/:id', async (context) => {
  const body = await context.req.json<Readonly<Record<string, unknown>>>();
  return context.json({ id: context.req.param('id'), name: body['name'] });
});

app.get('/v1/records/:collection/:id', (context) =>
  context.body(document, 200, { 'content-type': 'application/json' }),
);

const found = 'x'.repeat(Number(process.argv[2] ?? 0));

app.post('/*', async (context) => {
  await context.req.json<Readonly<Record<string, unknown>>>();
  return context.body(found, 200, { 'content-type': 'application/json' });
});

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  process.stdout.write(`http://127.0.0.1:${port}\n`);
});
process.on('SIGTERM', () => server.close(() => process.exit(0)));
