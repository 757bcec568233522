import {
  type BatchHeader,
  batchHeaderSchema,
  HoldfastError,
  invalidRequest,
  limits,
  parseJson,
} from '@holdfast/protocol';

import type { IncomingChange } from '../storage/relay-store.ts';
import { readChangeLine } from './change-reader.ts';

/** One line of a batch, with its number in the body, from 1. */
export interface BatchLine {
  readonly number: number;
  readonly text: string;
}

/** A batch as it was read, whole and in order. */
export interface ReadBatch {
  readonly header: BatchHeader;
  readonly changes: readonly IncomingChange[];
  /** Length of the change lines, in UTF-16 code units. */
  readonly bytes: number;
}

/** One oversized record may travel alone; anything beyond is to be sent in smaller batches. */
const MAX_BYTES = limits.syncBatchBytes + limits.lineBytes;

/**
 * Reads a batch line by line as it arrives and makes sure header and changes agree: as many as the header says, seqs
 * ascending within (`base`, `upto`], the last one `upto` itself.
 */
export class BatchReader {
  readonly #changes: IncomingChange[] = [];
  #header: BatchHeader | undefined;
  #lastSeq = 0;
  #bytes = 0;

  /** Takes the next line. Throws `bad-json`, `invalid-request`, `body-too-large`. */
  add({ number, text }: BatchLine): void {
    if (this.#header === undefined) {
      this.#header = readHeader(text);
      this.#lastSeq = this.#header.base.seq;
      return;
    }
    this.#bytes += text.length;
    if (this.#bytes > MAX_BYTES) {
      throw new HoldfastError('body-too-large', `the batch is over ${limits.syncBatchBytes} bytes`);
    }
    if (this.#changes.length === this.#header.count) throw inconsistent('more changes than the header counts');
    const change = readChangeLine(text, `line ${number}`);
    if (change.seq <= this.#lastSeq || change.seq > this.#header.upto.seq) {
      throw inconsistent(`line ${number}: seq is not above the one before and at most upto`);
    }
    this.#lastSeq = change.seq;
    this.#changes.push(change);
  }

  /** The batch, once all lines are in. Throws `invalid-request`, `body-incomplete`. */
  finish(): ReadBatch {
    const header = this.#header;
    if (header === undefined) throw inconsistent('the header line is missing');
    if (this.#changes.length < header.count) {
      throw new HoldfastError('body-incomplete', `${this.#changes.length} of ${header.count} changes came`);
    }
    assertReachesUpto(header, this.#changes.at(-1));
    return { header, changes: this.#changes, bytes: this.#bytes };
  }
}

function readHeader(text: string): BatchHeader {
  const result = batchHeaderSchema.safeParse(parseJson(text));
  if (!result.success) throw invalidRequest('header', result.error);
  const { base, upto } = result.data;
  if (upto.seq < base.seq) throw inconsistent('upto is below base');
  return result.data;
}

function assertReachesUpto({ base, upto }: BatchHeader, last: IncomingChange | undefined): void {
  if (last === undefined) {
    const isSame = upto.seq === base.seq && upto.version === base.version;
    if (upto.seq === base.seq && !isSame) throw inconsistent('upto has the seq of base and another version');
    return;
  }
  const version = last.row?.version ?? last.refusal?.version ?? upto.version;
  if (last.seq !== upto.seq || version !== upto.version) throw inconsistent('upto is not the last change');
}

function inconsistent(message: string): HoldfastError {
  return new HoldfastError('invalid-request', message, { issues: [{ path: 'batch', message }] });
}
