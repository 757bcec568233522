import { join } from 'node:path';

import { writeBulk } from '../bulk-write.ts';
import { searches } from '../chat-messages.ts';
import { compareQueries, latencyText, middleOf, queryDetails, type Questions } from '../query-latency.ts';
import type { Reading } from '../reading.ts';
import { startNode } from '../services.ts';
import type { Figure, Setting } from './figure.ts';

const PAGE = 50;

/** A full-text search of messages, the best first, against the same in SQL by hand. */
export const queryText: Figure = {
  name: 'query.text',
  help: 'full-text search of 100,000 messages, the best 50, over HTTP; beside SQL by hand without',
  measure: measureQueryText,
};

const SQL = `SELECT r.id, r.version, r.created_at, r.updated_at, r.expires_at, r.doc
  FROM texts JOIN records AS r ON r.seq = texts.rowid
  WHERE texts MATCH ? AND r.deleted = 0 AND r.resource = '' ORDER BY bm25(texts, 0.0, 1.0), r.id LIMIT ${PAGE}`;

async function measureQueryText(setting: Setting): Promise<Reading[]> {
  const { surroundings, scale } = setting;
  const node = await startNode(surroundings, { name: 'query-text' });
  try {
    const { token } = await node.client.agents.create('assistant');
    await writeBulk(surroundings, { url: node.url, token, rows: scale.queriedRecords, kind: 'message' });
    const questions: Questions = {
      target: { url: node.url, pid: node.pid, tokens: [token] },
      path: '/v1/records/messages/query',
      bodies: searches.map((search) => JSON.stringify({ search, limit: PAGE })),
      byHand: {
        path: join(node.directory, 'agents', 'assistant.db'),
        sql: SQL,
        params: searches.map((search) => [`owner : "messages" AND body : (${search.replace(' ', ' AND ')})`]),
      },
    };
    const comparison = await compareQueries(setting, questions);
    const [service, byHand] = [middleOf(comparison.service), middleOf(comparison.byHand)];
    return [
      {
        name: `${queryText.name}.p99`,
        value: service.p99Ms,
        unit: 'ms',
        target: { kind: 'at-most', value: 50 },
        measured: latencyText(service),
        reference: `SQL ${latencyText(byHand)}`,
        details: { records: scale.queriedRecords, ...queryDetails(comparison) },
      },
    ];
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}
