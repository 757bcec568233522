/**
 * Writes sample rows through one NDJSON batch: the text is ready before the clock starts, the answer's lines are
 * counted. Ends with 1 unless the daemon says that every row is written.
 */
import { request } from 'node:http';

import type { BulkPlan, BulkResult } from '../bulk-plan.ts';
import { sampleLine } from '../sample-rows.ts';

const LINES_A_CHUNK = 200;

const plan = JSON.parse(process.argv[2] ?? '') as BulkPlan;
const chunks = Array.from({ length: Math.ceil(plan.rows / LINES_A_CHUNK) }, (_, chunk) =>
  Buffer.from(
    Array.from(
      { length: Math.min(LINES_A_CHUNK, plan.rows - chunk * LINES_A_CHUNK) },
      (_unused, line) => `${sampleLine(chunk * LINES_A_CHUNK + line, plan.kind)}\n`,
    ).join(''),
  ),
);

/** Sends all chunks and gives the end of the answer, where its last line stands. */
function sendAll(): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${plan.token}`, 'content-type': 'application/x-ndjson' };
    const call = request(`${plan.url}/v1/batch`, { method: 'POST', headers }, (answer) => {
      let end = '';
      answer.on(
        'data',
        (chunk: Buffer) => (end = (end + chunk.toString('latin1', Math.max(0, chunk.length - 500))).slice(-500)),
      );
      answer.on('end', () => resolve(end)).on('error', reject);
    });
    call.on('error', reject);
    const sendFrom = (index: number): void => {
      for (let next = index; next < chunks.length; next += 1) {
        if (!call.write(chunks[next])) return void call.once('drain', () => sendFrom(next + 1));
      }
      call.end();
    };
    sendFrom(0);
  });
}

const cpuBefore = process.cpuUsage();
const startedAtMs = performance.now();
const end = await sendAll();
const seconds = (performance.now() - startedAtMs) / 1000;
const cpu = process.cpuUsage(cpuBefore);
if (!end.includes(`"written":${plan.rows}}`)) {
  process.stderr.write(`bulk writer: the answer ended in ${end.slice(-300)}\n`);
  process.exit(1);
}
const result: BulkResult = { rows: plan.rows, seconds, generatorCpuShare: (cpu.user + cpu.system) / 1e6 / seconds };
process.stdout.write(`${JSON.stringify(result)}\n`);
