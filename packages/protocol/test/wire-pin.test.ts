import { createHash } from 'node:crypto';

import {
  batchHeaderSchema,
  batchReceiptSchema,
  bucketsSchema,
  changeSchema,
  copyPageSchema,
  feedEndSchema,
  feedPageSchema,
  immediateReceiptSchema,
  immediateSchema,
  joinAnswerSchema,
  joinRequestSchema,
  OLDEST_PROTOCOL_VERSION,
  PROTOCOL_VERSION,
  protocolHistory,
  sessionAnswerSchema,
  sessionRequestSchema,
  streamPageSchema,
} from '@holdfast/protocol';
import { expect, test } from 'vitest';
import { z } from 'zod';

/**
 * The hash of the wire schemas of each protocol version. If the test fails you changed what nodes and relays say to
 * each other. Before the version was released: put the new hash here. Afterwards: take the change back, or give it a
 * new PROTOCOL_VERSION, a line in protocolHistory and a hash of its own, and let the relay accept the versions before.
 */
const pinned: Readonly<Record<number, string>> = {
  1: '9f7615595b40cb56',
  2: 'd72daf526810c4ce',
  3: 'bdaa78a7d6552f8c',
};

const wire = {
  batchHeaderSchema,
  batchReceiptSchema,
  bucketsSchema,
  changeSchema,
  copyPageSchema,
  feedEndSchema,
  feedPageSchema,
  immediateReceiptSchema,
  immediateSchema,
  joinAnswerSchema,
  joinRequestSchema,
  sessionAnswerSchema,
  sessionRequestSchema,
  streamPageSchema,
};

/** What a schema accepts, without the words around it. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) => !isWord(key, inner));
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, shape(inner)] as const).toSorted(([left], [right]) => (left < right ? -1 : 1)),
  );
}

function isWord(key: string, value: unknown): boolean {
  return (key === 'description' || key === 'example') && typeof value === 'string';
}

function wireHash(): string {
  const shapes = Object.entries(wire).map(([name, schema]) => [name, shape(z.toJSONSchema(schema))]);
  return createHash('sha256').update(JSON.stringify(shapes)).digest('hex').slice(0, 16);
}

test('the wire schemas are those pinned for this protocol version', () => {
  expect(wireHash()).toBe(pinned[PROTOCOL_VERSION]);
});

test('every protocol version has a line of history, and the newest is the last', () => {
  expect(protocolHistory).toHaveLength(PROTOCOL_VERSION);
  expect(protocolHistory.every((line, index) => line.startsWith(`${index + 1}: `))).toBe(true);
  expect(OLDEST_PROTOCOL_VERSION).toBeLessThanOrEqual(PROTOCOL_VERSION);
});
