import type { BuiltInCollection } from './declaration.ts';

/** Measured values, each written once; summed up over time by `bucket` of a query. */
export const metrics = {
  name: 'metrics',
  help: 'Measured values with their time and labels',
  conflict: 'append-only',
  fields: {
    name: { type: 'text', required: true, minLength: 1, maxLength: 200 },
    value: { type: 'number', required: true },
    unit: { type: 'text', maxLength: 50 },
    at: { type: 'time', required: true },
    labels: { type: 'object', help: 'Texts to tell values of one name apart' },
  },
  indexes: [['name', 'at']],
  example: {
    id: '0192f0c1-a2b3-7c44-9d55-1e6677889901',
    document: {
      name: 'screening_latency',
      value: 412,
      unit: 'ms',
      at: '2026-11-20T10:54:56.123Z',
      labels: { model: 'small' },
    },
  },
} as const satisfies BuiltInCollection;
