import {
  type BatchEnd,
  type BatchLine,
  type daemonRoutes,
  HoldfastError,
  invalidRequest,
  isHoldfastError,
  type Now,
  type Operation,
  operationSchema,
  parseJson,
} from '@holdfast/protocol';
import type { Answer, Handlers, JsonBody, Line, Lines } from '@holdfast/http';
import type { Outcome, StoreOperation, WriteResult } from '@holdfast/store';

import { type Records, requestFingerprint, toStoreOperation } from '../service/records.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { inChunks } from './chunks.ts';
import { assertUnguarded } from './guarded.ts';
import { ackWish, fencesOf, idempotencyOf } from './write-headers.ts';

/** Lines committed together at most. */
const CHUNK_LINES = 512;

/** Answers `POST /v1/batch`: an atomic array, or a stream of lines each for itself. */
export function batchHandlers(records: Records, now: Now): Handlers<Pick<typeof daemonRoutes, 'batch'>, DaemonCaller> {
  return {
    batch: async ({ identity, body, header, query }) => {
      const scope = scopeOf(identity);
      const { fences = [] } = fencesOf(header);
      if (body.kind === 'ndjson') {
        if (header('idempotency-key') !== undefined) throw notForStreams();
        return { ndjson: streamBatch(body.lines, now, (operations) => records.writeEach(scope, operations, fences)) };
      }
      const idempotency = idempotencyOf(header, () => requestFingerprint('batch', body.source));
      const wish = ackWish(query);
      const write = { operations: atomicOperations(body, now()), fences, ...idempotency };
      const { results, ack } = await records.write(scope, write, wish);
      const answer: Answer = { json: { results, ack } };
      return ack === wish.ack ? answer : { ...answer, status: 202 };
    },
  };
}

// Taken and not honoured, the key would let a caller repeat what must not happen twice.
function notForStreams(): HoldfastError {
  const message = 'not for NDJSON: give each put its id, or send a JSON array';
  const issues = [{ path: 'Idempotency-Key', message }];
  return new HoldfastError('invalid-request', `Idempotency-Key: ${message}`, { issues });
}

function atomicOperations(body: JsonBody<readonly Operation[]>, nowMs: number): StoreOperation[] {
  return body.value.map((operation, index) => {
    try {
      return operationOf(operation, body.source, nowMs);
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      throw new HoldfastError(error.code, `operation ${index}: ${error.message}`, { issues: error.issues });
    }
  });
}

function operationOf(operation: Operation, source: string, nowMs: number): StoreOperation {
  assertUnguarded(operation.collection);
  return toStoreOperation(operation, source, nowMs);
}

type WriteEach = (operations: readonly StoreOperation[]) => ReturnType<Records['writeEach']>;

/**
 * Commits lines in chunks and answers each. A line that cannot be written is answered with its error and the next one
 * goes on; a line that is not JSON, or a body that breaks, ends the stream: what stood before it is kept.
 */
async function* streamBatch(lines: Lines, now: Now, write: WriteEach): AsyncGenerator<string> {
  const end = { count: 0, written: 0 };
  let lastLine = 0;
  try {
    for await (const group of inChunks(lines, CHUNK_LINES)) {
      const chunk = readChunk(group, now());
      const outcomes = await write(chunk.operations);
      const answers = chunk.finish(outcomes);
      end.count += answers.length;
      end.written += outcomes.filter((outcome) => outcome.ok).length;
      lastLine = group.at(-1)?.number ?? lastLine;
      yield answers.join('');
      if (chunk.stop !== undefined) return void (yield endLine(end, chunk.stop.line, chunk.stop.error));
    }
    yield endLine(end);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    yield endLine(end, lastLine + 1, error);
  }
}

interface Chunk {
  readonly operations: readonly StoreOperation[];
  /** Answer lines, in line order, once the outcomes of the operations are known. */
  readonly finish: (outcomes: readonly Outcome<readonly WriteResult[]>[]) => string[];
  /** The line that could not be read, if one could not. */
  readonly stop?: { readonly line: number; readonly error: HoldfastError };
}

function readChunk(lines: readonly Line[], nowMs: number): Chunk {
  const operations: StoreOperation[] = [];
  const slots: { readonly line: number; readonly error?: HoldfastError }[] = [];
  const finish: Chunk['finish'] = (outcomes) => {
    let next = 0;
    return slots.map(({ line, error }) => (error ? errorLine(line, error) : outcomeLine(line, outcomes[next++])));
  };
  for (const { number: line, text } of lines) {
    try {
      operations.push(readOperation(text, nowMs));
      slots.push({ line });
    } catch (error) {
      if (!isHoldfastError(error)) throw error;
      if (error.code === 'bad-json') return { operations, finish, stop: { line, error } };
      slots.push({ line, error });
    }
  }
  return { operations, finish };
}

function readOperation(text: string, nowMs: number): StoreOperation {
  const parsed = operationSchema.safeParse(parseJson(text));
  if (!parsed.success) throw invalidRequest('operation', parsed.error);
  return operationOf(parsed.data, text, nowMs);
}

function outcomeLine(line: number, outcome: Outcome<readonly WriteResult[]> | undefined): string {
  if (outcome === undefined) throw new Error(`line ${line} was left without an outcome`);
  if (!outcome.ok) {
    if (isHoldfastError(outcome.error)) return errorLine(line, outcome.error);
    throw outcome.error;
  }
  const [result] = outcome.value;
  if (result === undefined) throw new Error(`line ${line} was left without a result`);
  return `{"line":${line},"id":${JSON.stringify(result.id)},"version":"${result.version}","seq":${result.seq}}\n`;
}

function errorLine(line: number, { code, message: detail, issues }: HoldfastError): string {
  const answer: BatchLine = { line, error: { code, detail, ...(issues.length > 0 && { issues: [...issues] }) } };
  return JSON.stringify(answer) + '\n';
}

function endLine(end: Pick<BatchEnd, 'count' | 'written'>, stoppedAt?: number, error?: HoldfastError): string {
  const stopped = error && { stoppedAt, error: { code: error.code, detail: error.message } };
  return JSON.stringify({ end: true, ...end, ...stopped }) + '\n';
}
