import { isUtf8 } from 'node:buffer';

import { HoldfastError, limits } from '@holdfast/protocol';

import type { Line } from './call.ts';

const LINE_FEED = 0x0a;

/** Cuts bytes into lines, as `Lines` promises; the last line needs no line feed. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) {
    const group = cutter.cut(chunk);
    if (group.length > 0) yield group;
    if (cutter.failure) throw cutter.failure;
  }
  const rest = cutter.finish();
  if (rest.length > 0) yield rest;
  if (cutter.failure) throw cutter.failure;
}

/** Keeps the unfinished line between chunks. A fault is kept in `failure`, so that the lines before it are not lost. */
class LineCutter {
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #lines = 0;
  failure: HoldfastError | undefined;

  cut(chunk: Buffer): Line[] {
    const end = chunk.lastIndexOf(LINE_FEED);
    if (end === -1) {
      this.#carry(chunk);
      return [];
    }
    const block = this.#join(chunk.subarray(0, end));
    const group = this.#read(block);
    this.#carry(chunk.subarray(end + 1));
    return group;
  }

  finish(): Line[] {
    return this.#carriedBytes === 0 ? [] : this.#read(this.#join(Buffer.alloc(0)));
  }

  #carry(part: Buffer): void {
    if (part.length === 0) return;
    this.#carried.push(part);
    this.#carriedBytes += part.length;
    if (this.#carriedBytes > limits.lineBytes) this.failure ??= tooLong(this.#lines + 1);
  }

  #join(part: Buffer): Buffer {
    const block = this.#carried.length === 0 ? part : Buffer.concat([...this.#carried, part]);
    this.#carried = [];
    this.#carriedBytes = 0;
    return block;
  }

  /** Lines of a block that ends where a line ends. */
  #read(block: Buffer): Line[] {
    if (block.length > limits.lineBytes || !isUtf8(block)) return this.#readOneByOne(block);
    const group: Line[] = [];
    for (const text of block.toString('utf8').split('\n')) this.#add(group, text);
    return group;
  }

  /** The slow way, to find the line at fault. */
  #readOneByOne(block: Buffer): Line[] {
    const group: Line[] = [];
    for (let start = 0; start <= block.length && !this.failure;) {
      const found = block.indexOf(LINE_FEED, start);
      const line = block.subarray(start, found === -1 ? block.length : found);
      if (line.length > limits.lineBytes) this.failure = tooLong(this.#lines + 1);
      else if (!isUtf8(line)) this.failure = notUtf8(this.#lines + 1);
      else this.#add(group, line.toString('utf8'));
      start += line.length + 1;
    }
    return group;
  }

  #add(group: Line[], raw: string): void {
    this.#lines += 1;
    const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    if (text !== '') group.push({ number: this.#lines, text });
  }
}

function tooLong(line: number): HoldfastError {
  return new HoldfastError('body-too-large', `line ${line} is over ${limits.lineBytes} bytes`);
}

function notUtf8(line: number): HoldfastError {
  return new HoldfastError('bad-utf8', `line ${line} is not valid UTF-8`);
}
