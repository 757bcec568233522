import { CommandError } from '../../command-error.ts';
import { type ChannelPlan, type ChannelResult, MARK } from '../channel-plan.ts';
import { startRedis } from '../peers/redis-server.ts';
import { cpuSeconds } from '../processor.ts';
import type { Reading } from '../reading.ts';
import { alternate, median, medianRatio } from '../rounds.ts';
import { startNode } from '../services.ts';
import { rateText } from '../wording.ts';
import type { Figure, Setting } from './figure.ts';

const LISTENERS = 100;
const PUBLISHERS = 64;
const CHANNEL = 'bench:load';
const VALUE = JSON.stringify({ mark: MARK, text: 'x'.repeat(180) });

/** Messages to a hundred listeners, beside Redis. */
export const channelFanout: Figure = {
  name: 'channel.fanout',
  help: `messages/s published by ${PUBLISHERS} connections and heard by ${LISTENERS} listeners, over that of Redis`,
  measure: measureFanout,
};

/** A server, and how its clients talk to it. */
interface Side {
  readonly pid: number;
  readonly plan: Pick<ChannelPlan, 'port' | 'listen' | 'listening' | 'publish' | 'published'>;
  readonly stop: () => Promise<void>;
}

/** What one side came to. */
interface Pace {
  readonly perSecond: number;
  /** Processor time of the server for one message to all listeners. */
  readonly serverCpuUs: number;
  readonly loadCpuShare: number;
}

async function measureFanout(setting: Setting): Promise<Reading[]> {
  const ours = await holdfastSide(setting);
  const theirs = await redisSide(setting);
  const paces: { readonly ours: Pace[]; readonly theirs: Pace[] } = { ours: [], theirs: [] };
  try {
    // Compiles the code of both sides.
    for (const side of [ours, theirs]) if (side !== undefined) await run(setting, side, []);
    const rounds = await alternate(setting.scale.rounds, {
      reference: async () => (theirs === undefined ? NaN : run(setting, theirs, paces.theirs)),
      subject: () => run(setting, ours, paces.ours),
    });
    return [readingOf(paces, theirs === undefined ? undefined : medianRatio(rounds))];
  } finally {
    await Promise.all([ours.stop(), theirs?.stop()]);
  }
}

async function run({ surroundings, scale }: Setting, { pid, plan }: Side, paces: Pace[]): Promise<number> {
  const { channelMessages: messages } = scale;
  const before = cpuSeconds(pid);
  const whole: ChannelPlan = { ...plan, listeners: LISTENERS, publishers: PUBLISHERS, messages };
  const { seconds, loadCpuShare } = await surroundings.run<ChannelResult>('channel-load', whole);
  const perSecond = messages / seconds;
  paces.push({ perSecond, serverCpuUs: ((cpuSeconds(pid) - before) * 1e6) / messages, loadCpuShare });
  return perSecond;
}

async function holdfastSide({ surroundings }: Setting): Promise<Side> {
  const node = await startNode(surroundings, { name: 'channel-fanout' });
  const { token } = await node.client.agents.create('bench');
  const { host, port } = new URL(node.url);
  const head = (method: string, ...more: readonly string[]): string =>
    [
      `${method} /v1/channels/${CHANNEL} HTTP/1.1`,
      `host: ${host}`,
      `authorization: Bearer ${token}`,
      ...more,
      '',
      '',
    ].join('\r\n');
  return {
    pid: node.pid,
    plan: {
      port: Number(port),
      listen: head('GET'),
      listening: 'retry:',
      publish: head('POST', 'content-type: application/json', `content-length: ${VALUE.length}`) + VALUE,
      published: '"}',
    },
    stop: async () => {
      await node.client.close();
      await node.stop();
    },
  };
}

/** Undefined: there is no Redis on this machine. */
async function redisSide({ surroundings }: Setting): Promise<Side | undefined> {
  try {
    const { process: server, port, connection } = await startRedis(surroundings, 'redis-channels');
    return {
      pid: server.pid,
      plan: {
        port,
        listen: command('SUBSCRIBE', CHANNEL),
        listening: ':1\r\n',
        publish: command('PUBLISH', CHANNEL, VALUE),
        published: '\r\n',
      },
      stop: async () => {
        connection.close();
        await server.stop('SIGKILL');
      },
    };
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

function readingOf(paces: { readonly ours: Pace[]; readonly theirs: Pace[] }, ratio: number | undefined): Reading {
  const rateOf = (side: readonly Pace[]): number => median(side.map(({ perSecond }) => perSecond));
  const detailsOf = (side: readonly Pace[]): object => ({
    per_second: rateOf(side),
    server_cpu_us_per_message: median(side.map(({ serverCpuUs }) => serverCpuUs)),
    load_cpu_share: median(side.map(({ loadCpuShare }) => loadCpuShare)),
  });
  const hasPeer = ratio !== undefined;
  return {
    name: channelFanout.name,
    value: ratio ?? 0,
    unit: 'ratio',
    target: null,
    measured: `${rateText(rateOf(paces.ours), 'messages')} to ${LISTENERS}`,
    reference: hasPeer ? `Redis ${rateText(rateOf(paces.theirs), 'messages')}` : null,
    details: { subject: detailsOf(paces.ours), ...(hasPeer && { reference: detailsOf(paces.theirs) }) },
  };
}

/** A command of Redis (RESP2). */
function command(...parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`;
}
