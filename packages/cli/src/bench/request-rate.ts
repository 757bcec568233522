import type { LoadPlan, LoadResult } from './load-plan.ts';
import { cpuSeconds } from './processor.ts';
import { alternate, medianRatio, median, type Round } from './rounds.ts';
import type { Setting } from './figures/figure.ts';

/** Where the load goes: an address, and the process behind it. */
export interface LoadTarget {
  readonly url: string;
  readonly pid: number;
  /** The token of each connection's agent, given out in turn. */
  readonly tokens: readonly string[];
}

/** What the load is. */
export interface Load extends Pick<LoadPlan, 'kind' | 'path' | 'records' | 'prefix' | 'document' | 'bodies'> {
  /** Default: 64, which the table of figures asks for. */
  readonly connections?: number;
}

/** Requests a second against a server, and what that took. */
export interface RequestRate extends LoadResult {
  readonly perSecond: number;
  /** Processor time of the server for one request, in microseconds: unlike the rate, hardly moved by its neighbours. */
  readonly serverCpuUs: number;
}

/** Both sides of a figure, round by round. */
export interface RateComparison {
  readonly ratio: number;
  readonly rounds: readonly Round[];
  readonly reference: readonly RequestRate[];
  readonly subject: readonly RequestRate[];
}

/** Connections of a load that says nothing else. */
const CONNECTIONS = 64;

/** Puts load on a server and counts. Throws CommandError if any answer was not 2xx. */
export async function measureRequests(setting: Setting, target: LoadTarget, load: Load): Promise<RequestRate> {
  const { surroundings, scale } = setting;
  const { warmUpMs, measureMs } = scale;
  const plan: LoadPlan = {
    ...load,
    url: target.url,
    tokens: target.tokens,
    connections: load.connections ?? CONNECTIONS,
    warmUpMs,
    measureMs,
  };
  const before = cpuSeconds(target.pid);
  const result = await surroundings.run<LoadResult>('load-generator', plan);
  const serverCpuUs = ((cpuSeconds(target.pid) - before) * 1e6) / result.requestsWithWarmUp;
  return { ...result, perSecond: result.requests / result.seconds, serverCpuUs };
}

type Loads = (round: number) => Load;

/** Puts load on reference and subject in turn, the same unless each has its own. `prefix` gives each round ids of its own. */
export async function compareRequests(
  setting: Setting,
  targets: Readonly<Record<'reference' | 'subject', (round: number) => Promise<LoadTarget>>>,
  load: Loads | Readonly<Record<'reference' | 'subject', Loads>>,
): Promise<RateComparison> {
  const loads = typeof load === 'function' ? { reference: load, subject: load } : load;
  const reference: RequestRate[] = [];
  const subject: RequestRate[] = [];
  const rounds = await alternate(setting.scale.rounds, {
    reference: async (round) => {
      reference.push(await measureRequests(setting, await targets.reference(round), loads.reference(round)));
      return reference.at(-1)?.perSecond ?? NaN;
    },
    subject: async (round) => {
      subject.push(await measureRequests(setting, await targets.subject(round), loads.subject(round)));
      return subject.at(-1)?.perSecond ?? NaN;
    },
  });
  return { ratio: medianRatio(rounds), rounds, reference, subject };
}

/** What the JSON file keeps of one side: medians over the rounds. */
export function rateDetails(rates: readonly RequestRate[]): Readonly<Record<string, number>> {
  const middle = (pick: (rate: RequestRate) => number): number => Number(median(rates.map(pick)).toPrecision(4));
  return {
    per_second: middle((rate) => rate.perSecond),
    p50_ms: middle((rate) => rate.p50Ms),
    p99_ms: middle((rate) => rate.p99Ms),
    server_cpu_us_per_request: middle((rate) => rate.serverCpuUs),
    generator_cpu_share: middle((rate) => rate.generatorCpuShare),
  };
}
