import { EventEmitter, once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

import {
  type BatchHeader,
  type BatchReceipt,
  type Buckets,
  type Change,
  changeSchema,
  type CopyPage,
  type Cursor,
  batchHeaderSchema,
  DIGEST_BUCKETS,
  HoldfastError,
  immediateSchema,
  joinRequestSchema,
  sessionRequestSchema,
  type SessionRequest,
  ZERO_VERSION,
} from '@holdfast/protocol';

import { bucketOf, digestShare, digestText, recordHash, rowOfChange } from '@holdfast/store';

import type { AnyJson } from './test-daemon.ts';

/**
 * What goes wrong with a request. `answer`: this instead of doing it, or after doing it if `isDone`. `lose-answer`,
 * `half-answer`: it is done, and the connection breaks before or in the middle of the answer. `hang`: neither done nor
 * answered. `slow`: done once `until` is; `late`: done at once and answered then.
 */
export type RelayFault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: unknown;
      readonly isDone?: boolean;
    }
  | { readonly kind: 'reset' | 'lose-answer' | 'half-answer' | 'hang' }
  | { readonly kind: 'slow' | 'late'; readonly until: Promise<unknown> };

/** A call as the relay understood it. `body` is parsed JSON; for a batch the header, with the changes in `changes`. */
export interface RelayCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: AnyJson;
  readonly changes: readonly Change[];
}

interface ModelRecord {
  readonly change: Change;
  readonly line: string;
}

interface ModelStream {
  cursor: Cursor;
  readonly records: Map<string, ModelRecord>;
}

interface Rule {
  readonly path: string;
  readonly fault: RelayFault;
  timesLeft: number;
}

const NOWHERE: Cursor = { seq: 0, version: ZERO_VERSION };
const EPOCH = 'e'.repeat(32);

/** A relay over real sockets that keeps the protocol's rules 3 to 8 and 12 in memory, and can be told to fail. */
export class ModelRelay implements AsyncDisposable {
  /** Calls that came in whole, oldest first. */
  readonly calls: RelayCall[] = [];
  /** Says why a change is refused; undefined: it is taken. */
  refusal: (change: Change) => { readonly code: string; readonly reason: string } | undefined = () => undefined;
  /** Whether it answers 413 to a batch with such a change in it. */
  tooLarge: (change: Change) => boolean = () => false;
  /** It answers 413 to a batch of more changes. */
  mostChanges: number = Number.POSITIVE_INFINITY;
  /** Changes in one page of a stream or a copy. */
  pageChanges: number = 1000;
  /** The token nodes get when they join. */
  readonly credential = 'node-credential';
  /** The most requests for one stream that were under way at once. */
  mostAtOnce = 0;
  /** The most streams that were under way at once. */
  mostStreams = 0;
  readonly #server: Server;
  readonly #port: number;
  readonly #events = new EventEmitter().setMaxListeners(100);
  readonly #streams = new Map<string, ModelStream>();
  readonly #underWay = new Map<string, number>();
  /** Ids; see `discount`. */
  readonly #uncounted = new Set<string>();
  #rules: Rule[] = [];
  #boots = new Set<string>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#receive(request, response));
  }

  /** Starts one on a free port, or on a given one. */
  static async start(port = 0): Promise<ModelRelay> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay does not listen');
    return new ModelRelay(server, address.port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The next `times` calls of a path meet a fault. */
  fail(path: string, fault: RelayFault, times: number = Number.POSITIVE_INFINITY): void {
    this.#rules.push({ path, fault, timesLeft: times });
  }

  /** Everything works again. Throws if a fault set for a number of times did not happen as often. */
  heal(): void {
    const unmet = this.#rules.filter(({ timesLeft }) => timesLeft > 0 && timesLeft !== Number.POSITIVE_INFINITY);
    if (unmet.length > 0) throw new Error(`faults that never happened: ${JSON.stringify(unmet)}`);
    this.#rules = [];
  }

  /** Everything works again, whether faults were left or not. */
  forgive(): void {
    this.#rules = [];
  }

  /** Faults set for a number of times that have not happened yet. */
  get faultsLeft(): number {
    const counted = this.#rules.filter(({ timesLeft }) => timesLeft !== Number.POSITIVE_INFINITY);
    return counted.reduce((sum, { timesLeft }) => sum + timesLeft, 0);
  }

  /** Resolves once `holds` does; looked at after every call. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.#events, 'call');
  }

  /** Resolves with the next call of a path from now on. */
  async next(path: string): Promise<RelayCall> {
    const from = this.calls.length;
    const find = (): RelayCall | undefined => this.calls.slice(from).find((call) => call.path.startsWith(path));
    await this.until(() => find() !== undefined);
    return find() as RelayCall;
  }

  /** Calls of a path so far. */
  callsOf(path: string): RelayCall[] {
    return this.calls.filter((call) => call.path.startsWith(path));
  }

  /** Where it stands in an agent's only stream. */
  cursor(agent: string): Cursor {
    return this.#only(agent)?.cursor ?? NOWHERE;
  }

  /** An agent's live records: `collection/id` to the document's text as it came. */
  documents(agent: string): Record<string, string> {
    const entries = [...(this.#only(agent)?.records.values() ?? [])].filter(({ change }) => !change.deleted);
    return Object.fromEntries(
      entries.map(({ change, line }) => [
        `${change.collection}/${change.id}`,
        line.slice(line.indexOf(',"doc":') + 7, -1),
      ]),
    );
  }

  /** Changes it holds of an agent, by seq. */
  changes(agent: string): Change[] {
    return [...(this.#only(agent)?.records.values() ?? [])]
      .map(({ change }) => change)
      .toSorted((one, other) => one.seq - other.seq);
  }

  /** Takes a backup; the function returned puts it back. */
  backup(): () => void {
    const saved = [...this.#streams].map(([key, { cursor, records }]) => ({ key, cursor, records: [...records] }));
    return () => {
      this.#streams.clear();
      for (const { key, cursor, records } of saved) this.#streams.set(key, { cursor, records: new Map(records) });
    };
  }

  /** From now on it believes that another change stands under its cursor of an agent's stream. */
  disagree(agent: string): void {
    const stream = this.#only(agent);
    if (stream) stream.cursor = { seq: stream.cursor.seq, version: '000000000001-0000-00000000' };
  }

  /** From now on it stands so many changes further in an agent's stream, as after a restore of the node's disk. */
  runAhead(agent: string, changes: number): void {
    const stream = this.#only(agent);
    if (stream) stream.cursor = { seq: stream.cursor.seq + changes, version: '000000000001-0000-00000000' };
  }

  /** The digest of an agent's records. */
  digest(agent: string): string {
    return digestOfAll(this.#counted(agent));
  }

  /** Loses a record, as a damaged disk might. */
  lose(agent: string, id: string): void {
    const stream = this.#only(agent);
    const found = [...(stream?.records ?? [])].find(([, { change }]) => change.id === id);
    if (found === undefined || !stream?.records.delete(found[0])) throw new Error(`there is no "${id}" to lose`);
  }

  /** Holds a record in another state than the node sent; its content hash fits unless `hash` is among the changes. */
  alter(agent: string, id: string, changes: Partial<Change>): void {
    const known = this.changes(agent).find((change) => change.id === id);
    if (known === undefined) throw new Error(`there is no "${id}" to alter`);
    const altered = { ...known, ...changes };
    this.plant(agent, changes.hash === undefined ? withHash(altered) : altered);
  }

  /** Holds records that it leaves out of its digest until they come again, as those of which a newer version was refused. */
  discount(ids: readonly string[]): void {
    for (const id of ids) this.#uncounted.add(id);
  }

  /** Holds a change, whatever it held of that record before. */
  plant(agent: string, change: Change): void {
    this.#only(agent)?.records.set(keyOf(change), { change, line: JSON.stringify(change) });
  }

  /** Closes every connection and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #only(agent: string): ModelStream | undefined {
    return [...this.#streams].find(([key]) => key.startsWith(`${agent}/`))?.[1];
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await bodyOf(request);
    if (bytes === undefined) return;
    const path = request.url ?? '';
    const lines = textOf(bytes, request.headers).split('\n').filter(Boolean);
    const isBatch = path === '/relay/batch';
    const body: AnyJson = lines[0] === undefined ? undefined : JSON.parse(lines[0]);
    const changes = isBatch ? lines.slice(1).map((line) => changeSchema.parse(JSON.parse(line))) : [];
    this.calls.push({ path, headers: request.headers, body, changes });
    const done = isBatch ? this.#begin(body.agent as string) : () => undefined;
    const rule = this.#rules.find((each) => path.startsWith(each.path) && each.timesLeft > 0);
    if (rule) rule.timesLeft -= 1;
    try {
      await this.#meet(rule?.fault, response, () => this.#do(path, body, { changes, lines: lines.slice(1) }));
    } finally {
      done();
      this.#events.emit('call');
    }
  }

  #begin(agent: string): () => void {
    const count = (this.#underWay.get(agent) ?? 0) + 1;
    this.#underWay.set(agent, count);
    this.mostAtOnce = Math.max(this.mostAtOnce, count);
    this.mostStreams = Math.max(this.mostStreams, [...this.#underWay.values()].filter((each) => each > 0).length);
    return () => this.#underWay.set(agent, (this.#underWay.get(agent) ?? 0) - 1);
  }

  async #meet(fault: RelayFault | undefined, response: ServerResponse, perform: () => unknown): Promise<void> {
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') {
      response.socket?.resetAndDestroy();
      return;
    }
    if (fault?.kind === 'answer') {
      if (fault.isDone) answerOf(perform);
      respond(response, fault.status, fault.body ?? '', fault.headers);
      return;
    }
    if (fault?.kind === 'slow') await fault.until;
    const { status, body } = answerOf(perform);
    if (fault?.kind === 'late') await fault.until;
    if (fault?.kind === 'lose-answer') response.socket?.resetAndDestroy();
    else if (fault?.kind === 'half-answer') respondHalf(response, status, body);
    else respond(response, status, body);
  }

  #do(path: string, body: unknown, batch: { changes: readonly Change[]; lines: readonly string[] }): unknown {
    if (path === '/relay/session') return this.#session(sessionRequestSchema.parse(body));
    if (path === '/relay/batch') return this.#batch(body, batch);
    if (path === '/relay/immediate') return this.#immediate(body);
    if (path === '/relay/join') {
      return { node: joinRequestSchema.parse(body).node, credential: this.credential, epoch: EPOCH };
    }
    if (/^\/relay\/(?:calls|channels|feed|locks)/.test(path)) {
      throw new HoldfastError('route-not-found', 'it is older than that');
    }
    if (path === '/relay/query') return { records: [], next: null };
    const url = new URL(path, this.url);
    const [, , , agent = '', what] = url.pathname.split('/');
    if (what === 'digest') return this.#buckets(agent);
    if (what === 'records') return this.#copy(agent, url.searchParams);
    return this.#page(url.pathname.split('/').at(-1) ?? '', url.searchParams);
  }

  #session({ boot, predecessors }: SessionRequest): unknown {
    const isKnown =
      this.#boots.has(boot) || this.#boots.size === 0 || predecessors.some((each) => this.#boots.has(each));
    if (!isKnown) throw new HoldfastError('node-cloned', 'another daemon speaks for this node');
    this.#boots = new Set([boot]);
    const streams = [...this.#streams].map(([key, { cursor }]) => {
      const [agent = '', incarnation = ''] = key.split('/');
      return { agent, incarnation, cursor, digest: this.digest(agent) };
    });
    return { node: 'test-node', epoch: EPOCH, leaseSeconds: 60, nowMs: Date.now(), streams };
  }

  #stream(agent: string, incarnation: string): ModelStream {
    const key = `${agent}/${incarnation}`;
    const stream = this.#streams.get(key) ?? { cursor: NOWHERE, records: new Map() };
    this.#streams.set(key, stream);
    return stream;
  }

  #batch(body: unknown, { changes, lines }: { changes: readonly Change[]; lines: readonly string[] }): unknown {
    const header = batchHeaderSchema.parse(body);
    const stream = this.#stream(header.agent, header.incarnation);
    assertBatch(header, changes);
    if (changes.length > this.mostChanges || changes.some((change) => this.tooLarge(change))) {
      throw new HoldfastError('body-too-large', 'the batch is too large');
    }
    if (header.base.seq !== stream.cursor.seq || header.base.version !== stream.cursor.version) {
      throw new HoldfastError('cursor-mismatch', 'elsewhere', { extensions: { cursor: stream.cursor } });
    }
    const rejects = changes.flatMap((change, index) => this.#merge(stream, change, lines[index] ?? ''));
    stream.cursor = header.upto;
    return { cursor: header.upto, rejects, ...this.#answeredDigest(header, stream, rejects.length) };
  }

  #answeredDigest({ agent, digest, upto }: BatchHeader, stream: ModelStream, rejects: number): Partial<BatchReceipt> {
    const isAbove = [...stream.records.values()].some(({ change }) => change.seq > upto.seq);
    return digest === undefined || rejects > 0 || isAbove ? {} : { digest: this.digest(agent) };
  }

  /** All of an agent's records, by whichever stream they came, the newest of each. */
  #ofAgent(agent: string): Change[] {
    const newest = new Map<string, Change>();
    for (const [name, { records }] of this.#streams) {
      if (!name.startsWith(`${agent}/`)) continue;
      for (const [key, { change }] of records) {
        if ((newest.get(key)?.version ?? '') < change.version) newest.set(key, change);
      }
    }
    return [...newest.values()];
  }

  #counted(agent: string): Change[] {
    return this.#ofAgent(agent).filter(({ id }) => !this.#uncounted.has(id));
  }

  #buckets(agent: string): Buckets {
    const buckets = Array.from({ length: DIGEST_BUCKETS }, (): Change[] => []);
    for (const change of this.#counted(agent)) buckets[bucketOf(change)]?.push(change);
    return { digest: this.digest(agent), buckets: buckets.map(digestOfAll), starts: [] };
  }

  #copy(agent: string, query: URLSearchParams): CopyPage {
    const bucket = query.get('bucket');
    const from = Number(query.get('after') ?? 0);
    const all =
      bucket === null
        ? this.#ofAgent(agent)
        : this.#counted(agent).filter((change) => bucketOf(change) === Number(bucket));
    const end = from + this.pageChanges;
    return { changes: all.slice(from, end), next: all.length > end ? String(end) : null, leftOut: 0 };
  }

  #immediate(body: AnyJson): unknown {
    const { agent, incarnation, change } = immediateSchema.parse(body);
    return { rejects: this.#merge(this.#stream(agent, incarnation), change, JSON.stringify(body.change)) };
  }

  #merge(stream: ModelStream, change: Change, line: string): { seq: number; code: string; reason: string }[] {
    const refusal = this.refusal(change);
    if (refusal !== undefined) return [{ seq: change.seq, ...refusal }];
    this.#uncounted.delete(change.id);
    const key = keyOf(change);
    const known = stream.records.get(key);
    if (known === undefined || change.version > known.change.version) stream.records.set(key, { change, line });
    return [];
  }

  #page(agent: string, query: URLSearchParams): unknown {
    const stream = this.#stream(agent, query.get('incarnation') ?? '');
    const above = [...stream.records.values()]
      .map(({ change }) => change)
      .filter(({ seq }) => seq > Number(query.get('after')))
      .toSorted((one, other) => one.seq - other.seq);
    return {
      cursor: stream.cursor,
      starts: [],
      changes: above.slice(0, this.pageChanges),
      more: above.length > this.pageChanges,
    };
  }
}

function keyOf({ resource, collection, id }: Change): string {
  return JSON.stringify([resource, collection, id]);
}

/** A change with the content hash that is right for it. */
export function withHash(change: Change): Change {
  return { ...change, hash: recordHash(rowOfChange(change)) };
}

function digestOfAll(changes: readonly Change[]): string {
  return digestText(changes.reduce((sum, change) => sum ^ digestShare(change), 0n));
}

function assertBatch(header: { base: Cursor; upto: Cursor; count: number }, changes: readonly Change[]): void {
  let before = header.base.seq;
  for (const { seq } of changes) {
    if (seq <= before) throw new Error(`change ${seq} does not come after ${before}`);
    before = seq;
  }
  if (before > header.upto.seq) throw new Error('a change stands above the cursor the batch moves to');
  if (changes.length !== header.count)
    throw new Error(`${changes.length} changes came, ${header.count} were announced`);
}

function answerOf(perform: () => unknown): { status: number; body: unknown } {
  try {
    return { status: 200, body: perform() };
  } catch (error) {
    if (error instanceof HoldfastError) return { status: error.kind.status, body: error.toProblem() };
    return { status: 500, body: { code: 'internal', detail: String(error) } };
  }
}

function respond(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function respondHalf(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch {
    return undefined; // The caller went away in mid-request: nobody is left to answer.
  }
}

function textOf(bytes: Buffer, headers: IncomingHttpHeaders): string {
  const encoding = headers['content-encoding'];
  if (encoding === 'zstd') return zstdDecompressSync(bytes).toString('utf8');
  return (encoding === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
}
