import type { Setting } from './figures/figure.ts';
import type { SqlPlan, SqlResult } from './query-plan.ts';
import { type LoadTarget, measureRequests, type RequestRate } from './request-rate.ts';
import { median } from './rounds.ts';

/** The same questions to a service and by hand. */
export interface Questions {
  readonly target: LoadTarget;
  /** The call's path. */
  readonly path: string;
  /** What is asked over HTTP, as JSON text. */
  readonly bodies: readonly string[];
  readonly byHand: Pick<SqlPlan, 'path' | 'sql' | 'params'>;
}

/** What one side of all rounds came to: medians. */
export type Latency = Pick<RequestRate, 'perSecond' | 'p50Ms' | 'p99Ms'>;

/** Both sides, each round one right after the other. */
export interface QueryComparison {
  readonly service: readonly RequestRate[];
  readonly byHand: readonly SqlResult[];
}

/** Asks by hand and over HTTP in turn, one question after the other by one caller. `meanwhile` is measured in each round too. */
export async function compareQueries(
  setting: Setting,
  { target, path, bodies, byHand }: Questions,
  meanwhile: () => Promise<void> = async () => undefined,
): Promise<QueryComparison> {
  const { rounds, warmUpMs, measureMs } = setting.scale;
  const service: RequestRate[] = [];
  const results: SqlResult[] = [];
  for (let round = 0; round < rounds; round += 1) {
    results.push(await setting.surroundings.run<SqlResult>('sql-timer', { ...byHand, warmUpMs, measureMs }));
    service.push(await measureQueries(setting, target, { path, bodies }));
    await meanwhile();
  }
  return { service, byHand: results };
}

/** Sends the same questions over HTTP, one after the other by one caller. */
export function measureQueries(
  setting: Setting,
  target: LoadTarget,
  { path, bodies }: Pick<Questions, 'path' | 'bodies'>,
): Promise<RequestRate> {
  return measureRequests(setting, target, { kind: 'post', path, prefix: '', records: 0, bodies, connections: 1 });
}

/** The medians over the rounds. */
export function middleOf(rounds: readonly Latency[]): Latency {
  const middle = (pick: (latency: Latency) => number): number => Number(median(rounds.map(pick)).toPrecision(4));
  return {
    perSecond: middle(({ perSecond }) => perSecond),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
  };
}

/** What the JSON file keeps of both sides: medians, and processor time of a question, which neighbours hardly move. */
export function queryDetails({ service, byHand }: QueryComparison): Readonly<Record<string, unknown>> {
  return {
    rows: median(byHand.map(({ rows }) => rows)),
    service: middleOf(service),
    service_cpu_us: Math.round(median(service.map(({ serverCpuUs }) => serverCpuUs))),
    by_hand: middleOf(byHand),
    by_hand_cpu_us: Math.round(median(byHand.map(({ cpuUs }) => cpuUs))),
  };
}

/** A latency for people. */
export function latencyText({ p50Ms, p99Ms }: Latency): string {
  return `p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`;
}
