import { reportScrub } from '@holdfast/http';
import { isHoldfastError, type NodeConfig, type Now } from '@holdfast/protocol';
import {
  type AgentFiles,
  type FileReport,
  inodeOf,
  type Problem,
  runCheck,
  Scrubber,
  type ScrubTarget,
} from '@holdfast/store';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';

const HOUR_MS = 3_600_000;
const MEBIBYTE = 1_048_576;

/** What acting on what a check of an agent's file found needs. */
export interface AgentCare {
  readonly files: AgentFiles;
  /** An agent's figures were wrong and are right now. */
  readonly onRecounted: (agent: string) => void;
  readonly log: Logger;
}

/** What checking a node's files needs. */
export interface NodeScrubOptions extends AgentCare {
  readonly config: NodeConfig;
  /** The node's own database. */
  readonly databasePath: string;
  readonly agents: () => readonly string[];
  readonly registry: Registry;
  readonly now: Now;
  /** From now to the first check; default: see `ScrubberOptions`. */
  readonly firstAfterMs: number | undefined;
}

/**
 * Checks the node's own database and every agent's file in the background, as often and as fast as configured. A damaged
 * agent's file is reported to `files`. Kept figures, members and words of an agent that are wrong over records that are right are made
 * anew: that is no reason to keep it from its records. Damage to the node's own database is only logged and counted.
 */
export function scrubNode(options: NodeScrubOptions): Scrubber {
  const { config, databasePath, agents, files, registry, log, now, firstAfterMs } = options;
  const report = reportScrub(log, registry, () => scrubber.lastPassAtMs);
  const own: ScrubTarget = { name: 'node.db', path: databasePath, kind: 'node', isReady: () => true };
  const scrubber: Scrubber = new Scrubber({
    targets: () => [own, ...agents().map((agent) => targetOf(agent, files))],
    everyMs: config['scrub.hours'] * HOUR_MS,
    firstAfterMs,
    bytesPerSecond: config['scrub.megabytesPerSecond'] * MEBIBYTE,
    now,
    onReport: ({ name, kind }, found) => {
      report(name, found);
      if (kind === 'agent') void makeGood(name, found, options);
    },
  });
  return scrubber;
}

/**
 * Checks an agent's file at once, as the background check does, after something else found it damaged. Resolves with whether
 * the agent has another file from now on, or none: its damage was found here too, or it was replaced meanwhile.
 */
export async function checkNow(agent: string, care: AgentCare, signal: AbortSignal): Promise<boolean> {
  const { path, kind, isReady } = targetOf(agent, care.files);
  if (!isReady()) return true;
  const file = inodeOf(path);
  const found = await runCheck(path, kind, { signal });
  return file === inodeOf(path) ? makeGood(agent, found, care) : true;
}

/** Resolves with whether anything was done about the problems. */
async function makeGood(agent: string, { problems, derived }: FileReport, care: AgentCare): Promise<boolean> {
  if (problems.length === 0) return false;
  const broken = problems.filter(({ kind }) => kind !== 'counter' && kind !== 'derived');
  if (broken.length === 0) {
    const isDerived = derived.length > 0 && (await deriveAnew(agent, derived, care));
    return (problems.some(({ kind }) => kind === 'counter') && (await recount(agent, care))) || isDerived;
  }
  care.files.reportDamage(agent, reasonOf(broken));
  return true;
}

// Wrong, they would keep the agent from being compared with the relay for good.
async function recount(agent: string, { files, onRecounted, log }: AgentCare): Promise<boolean> {
  try {
    if (!(await files.get(agent).recount())) return false;
    log.info({ agent }, 'figures kept of the records were counted anew');
    onRecounted(agent);
    return true;
  } catch (error) {
    log.warn({ agent, err: error }, 'figures could not be counted anew; trying again after the next check');
    return false;
  }
}

async function deriveAnew(agent: string, spans: FileReport['derived'], { files, log }: AgentCare): Promise<boolean> {
  try {
    await files.get(agent).deriveAnew(spans);
    log.info({ agent }, 'members of lists and words were made anew from the records');
    return true;
  } catch (error) {
    log.warn(
      { agent, err: error },
      'members of lists and words could not be made anew; trying again after the next check',
    );
    return false;
  }
}

function targetOf(agent: string, files: AgentFiles): ScrubTarget {
  return { name: agent, path: files.pathOf(agent), kind: 'agent', isReady: () => canBeOpened(agent, files) };
}

// Opened here first: that is when its write-ahead log is looked at, which the check cannot do while the file is in use.
function canBeOpened(agent: string, files: AgentFiles): boolean {
  try {
    files.summary(agent);
    return true;
  } catch (error) {
    if (isHoldfastError(error)) return false;
    throw error;
  }
}

function reasonOf(problems: readonly Problem[]): string {
  return `checking found ${problems.map(({ kind, count, detail }) => `${kind} (${count}): ${detail}`).join('; ')}`;
}
