import { join } from 'node:path';

import { connect } from '@holdfast/client';

import { writeBulk } from '../bulk-write.ts';
import { CANDIDATES, candidateQuery, candidatesDeclaration, memberWord, PAGE, wanted } from '../candidates.ts';
import {
  compareQueries,
  latencyText,
  middleOf,
  queryDetails,
  type QueryComparison,
  type Questions,
} from '../query-latency.ts';
import type { Reading } from '../reading.ts';
import { median } from '../rounds.ts';
import { startNode } from '../services.ts';
import type { Figure, Setting } from './figure.ts';

/** A query of an agent's records by declared indexes, against the same in SQL by hand. */
export const queryNode: Figure = {
  name: 'query.node',
  help: 'indexed query of 100,000 candidates, 50 an answer, over HTTP; beside SQL by hand without',
  measure: measureQueryNode,
};

const SQL = `SELECT r.id, r.version, r.created_at, r.updated_at, r.expires_at, r.doc
  FROM members JOIN records AS r ON r.seq = members.rowid
  WHERE members MATCH ?
    AND r.collection = '${CANDIDATES}' AND r.resource = '' AND r.deleted = 0
    AND json_extract(r.doc, '$."experience_years"') >= ?
  ORDER BY r.id LIMIT ${PAGE}`;

async function measureQueryNode(setting: Setting): Promise<Reading[]> {
  const { surroundings, scale } = setting;
  const node = await startNode(surroundings, { name: 'query-node' });
  try {
    const { token } = await node.client.agents.create('recruiter');
    await using agent = connect({ url: node.url, token });
    await agent.collections.declare(CANDIDATES, candidatesDeclaration);
    await writeBulk(surroundings, { url: node.url, token, rows: scale.queriedRecords, kind: 'candidate' });
    const questions: Questions = {
      target: { url: node.url, pid: node.pid, tokens: [token] },
      path: `/v1/records/${CANDIDATES}/query`,
      bodies: wanted.map((each) => JSON.stringify(candidateQuery(each))),
      byHand: {
        path: join(node.directory, 'agents', 'recruiter.db'),
        sql: SQL,
        params: wanted.map(({ skill, years }) => [memberWord(skill), years]),
      },
    };
    return readingsOf(await compareQueries(setting, questions), scale.queriedRecords);
  } finally {
    await Promise.all([node.client.close(), node.stop()]);
  }
}

function readingsOf(comparison: QueryComparison, records: number): Reading[] {
  const [service, byHand] = [middleOf(comparison.service), middleOf(comparison.byHand)];
  const aboveMs = median(
    comparison.service.map(({ p50Ms }, round) => p50Ms - (comparison.byHand[round]?.p50Ms ?? NaN)),
  );
  const shared = {
    unit: 'ms',
    measured: latencyText(service),
    reference: `SQL ${latencyText(byHand)}`,
    details: { records, ...queryDetails(comparison) },
  } as const;
  return [
    { name: `${queryNode.name}.above-sql`, value: aboveMs, target: { kind: 'at-most', value: 1.5 }, ...shared },
    { name: `${queryNode.name}.p99`, value: service.p99Ms, target: { kind: 'at-most', value: 50 }, ...shared },
  ];
}
