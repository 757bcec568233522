import { setImmediate as nextTurn } from 'node:timers/promises';

import { type RetentionDemand, RetentionKeeper, type RetentionSource } from '@holdfast/http';
import {
  isHoldfastError,
  type NodeConfig,
  type Now,
  type RetentionAnswer,
  type RetentionOwner,
} from '@holdfast/protocol';
import { type AgentFiles, retainedAnswer, SteadyTime } from '@holdfast/store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

import type { Agents } from '../service/agents.ts';
import type { FileCustody } from '../service/file-custody.ts';
import { servingAgents } from '../service/node-status.ts';
import type { NodeDatabase } from '../storage/node-database.ts';
import type { SyncEngine } from '../sync/sync-engine.ts';

/** What removing records of a node's agents needs. */
export interface NodeRetentionOptions {
  readonly config: Pick<NodeConfig, 'retention.hours'>;
  readonly database: NodeDatabase;
  readonly agents: Agents;
  readonly files: AgentFiles;
  readonly custody: FileCustody;
  readonly sync: SyncEngine;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: Now;
}

/** Removes what agents declare to be kept on the node no longer (protocol rule 17), from now on. */
export function keepNodeRetention(options: NodeRetentionOptions): RetentionKeeper {
  const { config, registry, log, now } = options;
  const time = new SteadyTime({
    now,
    onLeap: (aheadMs) => log.warn({ aheadMs }, 'the clock leapt ahead: what is too old by it is kept for a day'),
  });
  const source = new NodeRetention({ ...options, now: () => time.now() });
  const keeper = new RetentionKeeper({ source, everyHours: config['retention.hours'], registry, log, now });
  keeper.begin();
  return keeper;
}

class NodeRetention implements RetentionSource {
  readonly #options: NodeRetentionOptions;

  constructor(options: NodeRetentionOptions) {
    this.#options = options;
  }

  async remove(demand: RetentionDemand): Promise<{ freed_bytes: number; agents: RetentionOwner[] }> {
    const { agents, custody, log } = this.#options;
    if (demand.agent !== undefined) agents.assertExists(demand.agent);
    const done: RetentionOwner[] = [];
    for (const agent of agents.names.filter((name) => demand.agent === undefined || name === demand.agent)) {
      if (demand.isStopped()) break;
      try {
        const owner = custody.stateOf(agent) === 'ok' ? await this.#removeOf(agent, demand) : leftOut(agent, 'restore');
        if (owner !== undefined) done.push(owner);
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        log.warn({ agent, err: error }, 'retention could not be carried out for an agent; tried again later');
      }
      await nextTurn();
    }
    return { freed_bytes: done.reduce((sum, owner) => sum + owner.freed_bytes, 0), agents: done };
  }

  async declared(): Promise<RetentionAnswer['declared']> {
    const { agents, custody, files } = this.#options;
    const declared: RetentionAnswer['declared'] = [];
    for (const agent of servingAgents({ agents, custody })) {
      const own = files
        .get(agent)
        .declared.flatMap(({ name, retention }) =>
          retention === undefined ? [] : [{ agent, collection: name, retention }],
        );
      declared.push(...own);
      await nextTurn();
    }
    return declared;
  }

  /** Undefined: the agent declares none. */
  async #removeOf(agent: string, { isDryRun, isStopped }: RetentionDemand): Promise<RetentionOwner | undefined> {
    const { files, database, sync, now } = this.#options;
    if (files.get(agent).retention.policies().size === 0) return undefined;
    const hasRelay = database.enrolment !== undefined;
    // What the relay lost without knowing it is found by comparing, and sent again: it must still be here then.
    const isCompared = (): boolean => !hasRelay || sync.isKnownEqual(agent);
    const mayGoOn = (): boolean => !isStopped() && (isDryRun || isCompared());
    if (!mayGoOn()) return leftOut(agent, 'comparison');
    const pass = files.get(agent).retention.begin(now(), { isDryRun, hasRelay });
    for (let seq: number | undefined = 0; seq !== undefined && mayGoOn();) {
      const afterSeq: number = seq;
      seq = await files.get(agent).retention.step(pass, afterSeq);
      await nextTurn();
    }
    const { figures } = pass.pass;
    const isAny = !isDryRun && figures.some(({ records }) => records > 0);
    const freedBytes = isAny ? await files.get(agent).retention.freePages.giveBack(isStopped) : 0;
    return {
      agent,
      waits_for: isCompared() ? null : 'comparison',
      freed_bytes: freedBytes,
      collections: figures.map(retainedAnswer),
    };
  }
}

function leftOut(agent: string, waitsFor: 'comparison' | 'restore'): RetentionOwner {
  return { agent, waits_for: waitsFor, freed_bytes: 0, collections: [] };
}
