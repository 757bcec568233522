import { connect } from '@holdfast/client';

import type { LockPlan, LockResult } from '../lock-plan.ts';
import { type Pair, startPair } from '../pair.ts';
import { startRedis } from '../peers/redis-server.ts';
import { cpuSeconds } from '../processor.ts';
import type { Reading } from '../reading.ts';
import { alternate, median, medianRatio } from '../rounds.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

const LANES = 32;

/** Locks taken and released again, each by one who alone wants it, beside the same in Redis. */
export const lockCycle: Figure = {
  name: 'lock.cycle',
  help: `locks taken and released/s by ${LANES} at once, of the node and of the network, over SET NX PX and compare-and-delete in Redis`,
  measure: measureLockCycle,
};

/** What a scope's cycles came to, round by round. */
interface Cycles {
  readonly perSecond: number;
  /** Processor time of the servers for one cycle, in microseconds. */
  readonly serverCpuUs: number;
}

async function measureLockCycle(setting: Setting): Promise<Reading[]> {
  const redis = await startRedis(setting.surroundings, 'lock-redis');
  const pair = await startPair(setting.surroundings, 'lock-cycle');
  try {
    const { token } = await pair.node.client.agents.create('locker');
    await using locker = connect({ url: pair.node.url, token });
    // Once the relay has a write the link is open.
    await locker.kv.put('first', 1, { ack: 'relay', timeout: 30 });
    const theirs = { kind: 'redis', port: redis.port } as const;
    const readings: Reading[] = [];
    for (const scope of ['node', 'network'] as const) {
      const ours = { kind: 'daemon', url: pair.node.url, token, scope } as const;
      readings.push(
        await readingOf(setting, scope, { ours, theirs, pids: pidsOf(pair, scope), redis: redis.process.pid }),
      );
    }
    return readings;
  } finally {
    redis.connection.close();
    await Promise.all([pair.stop(), redis.process.stop('SIGKILL')]);
  }
}

function pidsOf({ node, relay }: Pair, scope: 'node' | 'network'): readonly number[] {
  return scope === 'node' ? [node.pid] : [node.pid, relay.pid];
}

interface Sides {
  readonly ours: LockPlan['server'];
  readonly theirs: LockPlan['server'];
  /** The processes that serve ours. */
  readonly pids: readonly number[];
  readonly redis: number;
}

async function readingOf(setting: Setting, scope: string, { ours, theirs, pids, redis }: Sides): Promise<Reading> {
  const subject: Cycles[] = [];
  const reference: Cycles[] = [];
  const rounds = await alternate(setting.scale.rounds, {
    reference: async () => {
      reference.push(await cyclesOf(setting, theirs, [redis]));
      return reference.at(-1)?.perSecond ?? NaN;
    },
    subject: async () => {
      subject.push(await cyclesOf(setting, ours, pids));
      return subject.at(-1)?.perSecond ?? NaN;
    },
  });
  const middle = (sides: readonly Cycles[], pick: (cycles: Cycles) => number): number => median(sides.map(pick));
  return {
    name: `${lockCycle.name} ${scope}`,
    value: medianRatio(rounds),
    unit: 'ratio',
    target: null,
    measured: rateText(
      middle(subject, ({ perSecond }) => perSecond),
      'cycles',
    ),
    reference: `Redis ${rateText(
      middle(reference, ({ perSecond }) => perSecond),
      'cycles',
    )}`,
    details: {
      rounds,
      server_cpu_us_per_cycle: middle(subject, ({ serverCpuUs }) => serverCpuUs),
      redis_cpu_us_per_cycle: middle(reference, ({ serverCpuUs }) => serverCpuUs),
    },
  };
}

async function cyclesOf(
  { surroundings, scale: { warmUpMs, measureMs } }: Setting,
  server: LockPlan['server'],
  pids: readonly number[],
): Promise<Cycles> {
  const spent = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  const before = spent();
  const plan: LockPlan = { server, lanes: LANES, warmUpMs, measureMs };
  const { cycles, cyclesWithWarmUp, seconds } = await surroundings.run<LockResult>('lock-cycles', plan);
  return { perSecond: cycles / seconds, serverCpuUs: ((spent() - before) * 1e6) / cyclesWithWarmUp };
}
