import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { HoldfastError } from '@holdfast/protocol';
import { type FileReport, type Problem, type ProblemKind, runCheck } from '@holdfast/store';

import { extractFile } from './extract.ts';
import { incarnationsOfNode } from './facts.ts';
import { agentOf, type BackupFile, kindOf, type Manifest } from './manifest.ts';

/** Where a backup is put to the test, and how it goes on. */
export interface VerifyOptions {
  /** An empty directory; each file is restored there, and removed again. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
  /** A file was done, `bytes` long. */
  readonly onFile?: (bytes: number) => void;
}

/** What restoring a backup as a trial found. */
export interface Findings {
  /** What is wrong, a line each, fit for a log; empty if it is whole. */
  readonly problems: readonly string[];
  /** What had rotted of a relay's records before they were copied, a line each: the relay knows to live with it. */
  readonly damagedRecords: readonly string[];
  /** Agents whose files are in it as they were, and damaged. */
  readonly damagedAgents: readonly string[];
  /** Agents whose files were exchanged while it was made: they are not the ones the node's database in it tells of. */
  readonly exchangedAgents: readonly string[];
}

/** Damage to a relay's records that costs nothing else: it leaves them out of what it compares with their nodes. */
const RECORDS_ROTTED: ReadonlySet<ProblemKind> = new Set(['hash', 'document']);

/** What is wrong with one file. */
type FileFindings = Omit<Findings, 'exchangedAgents'>;

const NOTHING_FOUND: FileFindings = { problems: [], damagedRecords: [], damagedAgents: [] };

/**
 * Restores a backup file by file into a scratch place and checks each: its chunks, its hash, for a database everything
 * `runCheck` does, and whether the agents' files are the ones the node's database tells of. Records of a relay that had rotted
 * before are told and no reason against it: nothing else is lost with them.
 *
 * Throws what keeps it from being tried: `disk-full`, `storage-failed`, the signal's reason.
 */
export async function verifyBackup(directory: string, manifest: Manifest, options: VerifyOptions): Promise<Findings> {
  const found: FileFindings[] = [];
  const known = new Map<string, string>();
  for (const file of manifest.files) {
    options.signal?.throwIfAborted();
    found.push(await verifyFile(directory, file, options, known));
    options.onFile?.(file.bytes);
  }
  const exchangedAgents = manifest.files.flatMap((file) => exchangedAgent(file, known) ?? []);
  const exchanged = exchangedAgents.map((agent) => `agent ${agent}: its file was exchanged while the backup was made`);
  return {
    problems: [...found.flatMap(({ problems }) => problems), ...exchanged],
    damagedRecords: found.flatMap(({ damagedRecords }) => damagedRecords),
    damagedAgents: found.flatMap(({ damagedAgents }) => damagedAgents),
    exchangedAgents,
  };
}

/** Put back, a file of another stream than the node's database tells of would be set aside. */
function exchangedAgent({ path, stream }: BackupFile, known: ReadonlyMap<string, string>): string | undefined {
  const agent = agentOf(path);
  const incarnation = known.get(agent ?? '');
  return incarnation === undefined || stream === null || stream.incarnation === incarnation ? undefined : agent;
}

/** `known` takes what a node's database tells of the agents' files. */
async function verifyFile(
  directory: string,
  file: BackupFile,
  { scratch, signal }: VerifyOptions,
  known: Map<string, string>,
): Promise<FileFindings> {
  const path = join(scratch, 'restored');
  try {
    await extractFile(directory, file, path, signal);
    const found = await checkRestored(path, file, signal);
    if (kindOf(file.path) === 'node' && found.problems.length === 0) {
      for (const [agent, incarnation] of incarnationsOfNode(path)) known.set(agent, incarnation);
    }
    return found;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'backup-damaged') throw error;
    return { ...NOTHING_FOUND, problems: [`${file.path}: ${error.message}`] };
  } finally {
    await removeDatabase(path);
  }
}

/** Checks a file that was restored to `path`, where nobody has it open. Gives what is wrong with it. */
export async function checkRestored(path: string, file: BackupFile, signal?: AbortSignal): Promise<FileFindings> {
  const kind = kindOf(file.path);
  if (kind === undefined || kind === 'secret') return NOTHING_FOUND;
  const report = await runCheck(path, kind, { ...(signal !== undefined && { signal }), skipsDerived: true });
  // The check leaves the empty log and index of a reader behind.
  await removeLog(path);
  if (report.state === 'sound') return NOTHING_FOUND;
  const isKnown = ({ kind: found }: Problem): boolean => kind === 'relay' && RECORDS_ROTTED.has(found);
  const damagedRecords = report.problems.filter(isKnown).map((problem) => `${file.path}: ${textOf(problem)}`);
  const agent = agentOf(file.path);
  return {
    problems: report.error === null && report.problems.every(isKnown) ? [] : [`${file.path}: ${findingOf(report)}`],
    damagedRecords,
    damagedAgents: agent !== undefined && report.state === 'damaged' ? [agent] : [],
  };
}

function findingOf({ state, problems, error }: FileReport): string {
  return [state, ...problems.map(textOf), ...(error === null ? [] : [error])].join('; ');
}

function textOf({ kind, count, detail }: Problem): string {
  return `${kind} (${count}): ${detail}`;
}

async function removeDatabase(path: string): Promise<void> {
  await rm(path, { force: true });
  await removeLog(path);
}

async function removeLog(path: string): Promise<void> {
  for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
}
