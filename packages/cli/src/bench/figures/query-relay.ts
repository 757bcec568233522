import { startBareServer } from '../bare-server.ts';
import { CANDIDATES, candidateQuery, memberWord, PAGE, wanted } from '../candidates.ts';
import { type FilledRelay, startFilledRelay } from '../filled-relay.ts';
import { stopService } from '../pair.ts';
import {
  compareQueries,
  latencyText,
  measureQueries,
  middleOf,
  queryDetails,
  type QueryComparison,
  type Questions,
} from '../query-latency.ts';
import type { Reading } from '../reading.ts';
import type { RequestRate } from '../request-rate.ts';
import { median } from '../rounds.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

/** A query of the whole network by declared indexes, against the same in SQL by hand. */
export const queryRelay: Figure = {
  name: 'query.relay',
  help: 'the same query of 1,000,000 candidates of 20 nodes on the relay, over SQL by hand, HTTP aside',
  measure: measureQueryRelay,
};

const SQL = `SELECT a.node, a.agent, r.resource, r.id, r.version, r.created_at, r.updated_at, r.expires_at, r.doc
  FROM members JOIN records AS r ON r.position = members.rowid JOIN agents AS a ON a.id = r.agent_id
  WHERE members MATCH ?
    AND r.collection = '${CANDIDATES}' AND r.deleted = 0 AND json_extract(r.doc, '$."experience_years"') >= ?
  ORDER BY r.id, r.agent_id LIMIT ${PAGE}`;

const PATH = '/relay/query';

async function measureQueryRelay(setting: Setting): Promise<Reading[]> {
  const { surroundings, scale } = setting;
  const filled = await startFilledRelay(surroundings, 'query-relay', {
    records: scale.networkRecords,
    kind: 'candidate',
  });
  const { relay, path } = filled;
  try {
    const questions: Questions = {
      target: { url: relay.url, pid: relay.pid, tokens: [relay.adminToken] },
      path: PATH,
      bodies: wanted.map((each) => JSON.stringify({ collection: CANDIDATES, ...candidateQuery(each) })),
      byHand: { path, sql: SQL, params: wanted.map(({ skill, years }) => [memberWord(skill), years]) },
    };
    const answer = await relay.client.query({
      collection: CANDIDATES,
      ...candidateQuery(wanted[0] ?? { skill: '', years: 0 }),
    });
    const bare = await startBareServer(surroundings, JSON.stringify(answer).length);
    const http: RequestRate[] = [];
    const target = { url: bare.url, pid: bare.process.pid, tokens: [relay.adminToken] };
    const comparison = await compareQueries(setting, questions, async () => {
      http.push(await measureQueries(setting, target, questions));
    });
    await bare.process.stop();
    return readingsOf(comparison, http, filled);
  } finally {
    await stopService(relay);
  }
}

function readingsOf(comparison: QueryComparison, http: readonly RequestRate[], { fill }: FilledRelay): Reading[] {
  const [service, byHand] = [middleOf(comparison.service), middleOf(comparison.byHand)];
  const ratios = comparison.service.map((served, round) => {
    const [hand, bare] = [comparison.byHand[round], http[round]];
    if (hand === undefined || bare === undefined) throw new Error('a round has no reference');
    return hand.p50Ms / (served.p50Ms - bare.p50Ms);
  });
  const details = {
    records: fill.records,
    filled_per_second: Math.round(fill.records / fill.seconds),
    ratios,
    ...queryDetails(comparison),
    http: middleOf(http),
  };
  return [
    {
      name: queryRelay.name,
      value: median(ratios),
      unit: 'ratio',
      target: { kind: 'at-least', value: 0.7 },
      measured: rateText(1000 / service.p50Ms, 'queries'),
      reference: `SQL ${rateText(1000 / byHand.p50Ms, 'queries')}`,
      details,
    },
    {
      name: `${queryRelay.name}.p99`,
      value: service.p99Ms,
      unit: 'ms',
      target: { kind: 'at-most', value: 100 },
      measured: latencyText(service),
      reference: `SQL ${latencyText(byHand)}`,
      details,
    },
  ];
}
