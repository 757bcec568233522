/**
 * Load over plain sockets: keep-alive connections with one request under way each, written and read by hand, because a
 * full HTTP client would take more processor time than the server it measures. Ends with 1 on any answer but 2xx.
 */
import { connect, type Socket } from 'node:net';

import type { LoadPlan, LoadResult } from '../load-plan.ts';
import { sampleNumber } from '../sample-document.ts';
import { sampleOf } from '../sample-rows.ts';

const HEAD_END = Buffer.from('\r\n\r\n');

const plan = JSON.parse(process.argv[2] ?? '') as LoadPlan;
const { hostname, port, host } = new URL(plan.url);
const latenciesMs: number[] = [];
let nextIndex = 0;
let isCounting = false;
let isOver = false;

function requestText(index: number, fixedHead: string): string {
  if (plan.kind === 'get') {
    return `GET ${plan.path}${plan.prefix}${sampleNumber(index % plan.records)} ${fixedHead}\r\n`;
  }
  const body = bodyOf(index);
  const head = `${fixedHead}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  if (plan.kind === 'post') return `POST ${plan.path} ${head}${body}`;
  return `PUT ${plan.path}${plan.prefix}${sampleNumber(index)} ${head}${body}`;
}

/** ASCII, so that it has as many bytes as characters. */
function bodyOf(index: number): string {
  const { bodies = [], document = 'load' } = plan;
  return plan.kind === 'post' ? (bodies[index % bodies.length] ?? '') : sampleOf(document, index);
}

class Connection {
  readonly #socket: Socket;
  readonly #fixedHead: string;
  #pending: Buffer | undefined;
  #sentAtMs = 0;

  constructor(token: string) {
    this.#fixedHead = `HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\n`;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('connect', () => this.#send());
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('close', () => isOver || fail('the server closed a connection'));
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(): void {
    this.#sentAtMs = performance.now();
    this.#socket.write(requestText(nextIndex++, this.#fixedHead), 'latin1');
  }

  #take(chunk: Buffer): void {
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
    const answerBytes = wholeAnswerBytes(bytes);
    this.#pending = bytes.length < answerBytes ? bytes : undefined;
    if (this.#pending !== undefined || isOver) return;
    if (isCounting) latenciesMs.push(performance.now() - this.#sentAtMs);
    this.#send();
  }
}

/** Length of the answer that begins in `bytes`; Infinity while its head is not whole. */
function wholeAnswerBytes(bytes: Buffer): number {
  const headBytes = bytes.indexOf(HEAD_END);
  if (headBytes === -1) return Infinity;
  const head = bytes.toString('latin1', 0, headBytes);
  const bodyBytes = /content-length: (\d+)/i.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 2') || bodyBytes === undefined) fail(`the server answered ${head.slice(0, 200)}`);
  return headBytes + HEAD_END.length + Number(bodyBytes);
}

function fail(reason: string): never {
  process.stderr.write(`load generator: ${reason}\n`);
  process.exit(1);
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const connections = Array.from(
  { length: plan.connections },
  (_, index) => new Connection(plan.tokens[index % plan.tokens.length] ?? ''),
);
await wait(plan.warmUpMs);
isCounting = true;
const startedAtMs = performance.now();
const cpuBefore = process.cpuUsage();
await wait(plan.measureMs);
isOver = true;
const seconds = (performance.now() - startedAtMs) / 1000;
const cpu = process.cpuUsage(cpuBefore);
for (const connection of connections) connection.close();
const sorted = Float64Array.from(latenciesMs).toSorted();
const result: LoadResult = {
  requests: sorted.length,
  requestsWithWarmUp: nextIndex,
  seconds,
  generatorCpuShare: (cpu.user + cpu.system) / 1e6 / seconds,
  p50Ms: quantile(sorted, 0.5),
  p99Ms: quantile(sorted, 0.99),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
