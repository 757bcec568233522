/** Reads all records of a collection from the relay as NDJSON, answer after answer, and counts lines and bytes; keeps nothing. */
import { request } from 'node:http';

import type { StreamPlan, StreamResult } from '../stream-plan.ts';

const LINE_FEED = 10;

const plan = JSON.parse(process.argv[2] ?? '') as StreamPlan;

/** Ends of an answer this long hold its last line: a page token has a few keys in it. */
const KEPT_BYTES = 4096;

interface Part {
  readonly lines: number;
  readonly bytes: number;
  readonly next: string | null;
}

function readPart(after: string | null): Promise<Part> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${plan.token}`,
      'content-type': 'application/json',
      accept: 'application/x-ndjson',
    };
    const call = request(`${plan.url}/relay/query`, { method: 'POST', headers }, (answer) => {
      let [lines, bytes, end] = [0, 0, Buffer.alloc(0)];
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) lines += 1;
        end = Buffer.concat([end, chunk]).subarray(-KEPT_BYTES);
      });
      answer.on('error', reject).on('end', () => resolve({ lines: lines - 1, bytes, next: nextOf(end.toString()) }));
    });
    call.on('error', reject).end(JSON.stringify({ collection: plan.collection, ...(after !== null && { after }) }));
  });
}

function nextOf(end: string): string | null {
  const last = end.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('{"end":true')) throw new Error(`the stream was cut: ${last.slice(0, 300)}`);
  return (JSON.parse(last) as { readonly next: string | null }).next;
}

const startedAtMs = performance.now();
let [rows, bytes, requests] = [0, 0, 0];
for (let after: string | null = null; ;) {
  const part: Part = await readPart(after);
  rows += part.lines;
  bytes += part.bytes;
  requests += 1;
  after = part.next;
  if (after === null) break;
}
const result: StreamResult = { rows, bytes, seconds: (performance.now() - startedAtMs) / 1000, requests };
process.stdout.write(`${JSON.stringify(result)}\n`);
