/** Single writes to Redis: connections with one SET under way each. Takes a LoadPlan, gives a LoadResult. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { LoadPlan } from '../load-plan.ts';
import { RedisConnection } from '../peers/redis-connection.ts';
import { sampleDocument, sampleNumber } from '../sample-document.ts';

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const port = Number(new URL(plan.url).port);
let nextIndex = 0;
const over = new AbortController();

async function writeOnAndOn(): Promise<void> {
  const connection = await RedisConnection.open(port);
  while (!over.signal.aborted) {
    const index = nextIndex++;
    await connection.send('SET', `${plan.prefix}${sampleNumber(index)}`, sampleDocument(index));
  }
  connection.close();
}

const writers = Array.from({ length: plan.connections }, writeOnAndOn);
await sleep(plan.warmUpMs);
const before = nextIndex;
const startedAtMs = performance.now();
await sleep(plan.measureMs);
const requests = nextIndex - before;
const seconds = (performance.now() - startedAtMs) / 1000;
over.abort();
await Promise.all(writers);
process.stdout.write(`${JSON.stringify({ requests, seconds })}\n`);
