import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { CommandError } from '../../command-error.ts';
import { CHUNK_ROWS } from '../bulk-write.ts';
import type { Setting } from '../figures/figure.ts';
import { measureRequests } from '../request-rate.ts';
import { sampleDocument, sampleNumber } from '../sample-document.ts';
import { type BenchProcess, processScript, type Surroundings } from '../surroundings.ts';
import { timeVisibility } from '../visible.ts';
import type { Peer } from './peer.ts';
import { installPouchDb } from './pouchdb-install.ts';

interface PouchServer {
  readonly process: BenchProcess;
  readonly url: string;
}

/** Changes of one replication batch: ours has as many. PouchDB's own default is 100. */
const REPLICATION_BATCH = 1000;

/** PouchDB as node and as hub. LevelDB does not wait for the disk, so its writes are not durable when answered. */
export const pouchDb: Peer = {
  name: 'PouchDB',
  measure: async (setting) => {
    const { surroundings, scale } = setting;
    const folder = await installPouchDb();
    const node = await startPouchDb(surroundings, folder, 'pouchdb-node');
    const hub = await startPouchDb(surroundings, folder, 'pouchdb-hub');
    const singlePerSecond = await measureSingle(setting, node);
    await ask('PUT', `${node.url}/backlog`);
    const bulkPerSecond = await writeRows(`${node.url}/backlog`, scale.peerBacklogRecords);
    const drainPerSecond = await drain(node, hub, scale.peerBacklogRecords);
    const visibleMs = await measureVisible(setting, node, hub);
    await Promise.all([node.process.stop('SIGKILL'), hub.process.stop('SIGKILL')]);
    return { singlePerSecond, bulkPerSecond, drainPerSecond, visibleMs };
  },
};

async function startPouchDb(surroundings: Surroundings, folder: string, name: string): Promise<PouchServer> {
  const data = join(surroundings.directory, name);
  mkdirSync(data);
  const server = surroundings.start(process.execPath, [processScript('pouchdb-server'), folder, data]);
  return { process: server, url: await server.firstLine };
}

async function measureSingle(setting: Setting, node: PouchServer): Promise<number> {
  await ask('PUT', `${node.url}/single`);
  const target = { url: node.url, pid: node.process.pid, tokens: ['unused'] };
  const load = { kind: 'put', path: '/single/', prefix: '', records: 0 } as const;
  return (await measureRequests(setting, target, load)).perSecond;
}

/** Rows a second through `_bulk_docs`, the texts made before the clock starts. */
async function writeRows(database: string, rows: number): Promise<number> {
  const bodies: string[] = [];
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const length = Math.min(CHUNK_ROWS, rows - from);
    const documents = Array.from({ length }, (_, index) => documentText(from + index));
    bodies.push(`{"docs":[${documents.join(',')}]}`);
  }
  const startedAtMs = performance.now();
  for (const body of bodies) await ask('POST', `${database}/_bulk_docs`, body);
  return rows / ((performance.now() - startedAtMs) / 1000);
}

function documentText(index: number): string {
  return `{"_id":"${sampleNumber(index)}",${sampleDocument(index).slice(1)}`;
}

async function drain(node: PouchServer, hub: PouchServer, rows: number): Promise<number> {
  const startedAtMs = performance.now();
  await ask('POST', `${node.url}/_replicate`, replication('backlog', hub, { batch_size: REPLICATION_BATCH }));
  const seconds = (performance.now() - startedAtMs) / 1000;
  const { doc_count: held } = (await ask('GET', `${hub.url}/backlog`)) as { readonly doc_count: number };
  if (held !== rows) throw new CommandError(`PouchDB's hub holds ${held} of ${rows} records`, 'Nothing was measured.');
  return rows / seconds;
}

async function measureVisible({ scale }: Setting, node: PouchServer, hub: PouchServer): Promise<number[]> {
  await ask('PUT', `${node.url}/visible`);
  await ask('PUT', `${hub.url}/visible`);
  await ask('POST', `${node.url}/_replicate`, replication('visible', hub, { continuous: true }));
  return timeVisibility(scale.visibleWrites, {
    write: (index) => ask('PUT', `${node.url}/visible/v-${index}`, sampleDocument(index)),
    isThere: async (index) => {
      const answer = await fetch(`${hub.url}/visible/v-${index}`);
      await answer.arrayBuffer();
      return answer.status === 200;
    },
  });
}

function replication(database: string, hub: PouchServer, options: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ source: database, target: `${hub.url}/${database}`, create_target: true, ...options });
}

async function ask(method: string, url: string, body?: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  throw new CommandError(
    `PouchDB answered ${answer.status} to ${method} ${new URL(url).pathname}`,
    'Nothing was measured.',
  );
}
