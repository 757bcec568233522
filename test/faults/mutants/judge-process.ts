import { mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { type Cursor, isHoldfastError } from '@holdfast/protocol';
import { checkFile } from '@holdfast/store';
import { seededRandom } from '@holdfast/testkit';

import { AGENT, AGENT_FILE, openFiles, readEverything } from './agent-state.ts';
import { type FileBytes, type Mutation, mutations } from './mutate.ts';
import type { Judgement, Template } from './template.ts';

// Spoils copies of the templates, opens each as the daemon would, and says what came of it, a line each. It is a process
// of its own because a spoiled file may crash it.

interface Truth {
  readonly template: Template;
  readonly bytes: FileBytes;
}

const [place = '', seed = '', from = '', to = ''] = process.argv.slice(2);
const templates = (JSON.parse(readFileSync(join(place, 'templates.json'), 'utf8')) as Template[]).map(
  (template): Truth => ({ template, bytes: readFiles(template.path) }),
);
for (let number = Number(from); number < Number(to); number += 1) {
  const judgement = await judge(number);
  writeSync(1, `${JSON.stringify(judgement)}\n`);
}

async function judge(number: number): Promise<Judgement> {
  const random = seededRandom(Math.imul(Number(seed), 1_000_003) + number);
  const mutation = random.pick(mutations);
  // What leaves an earlier moment can be told only by a relay that has what is missing.
  const fitting = templates.filter(({ template }) => template.isAcknowledged || !mutation.isLikeAnOlderCopy);
  const truth = random.pick(fitting);
  const other = templates.find((one) => one !== truth) ?? truth;
  const path = join(place, `mutant-${from}`, AGENT_FILE);
  rmSync(dirname(path), { recursive: true, force: true });
  mkdirSync(dirname(path), { mode: 0o700, recursive: true });
  writeFiles(path, mutation.apply(truth.bytes, random, other.bytes));
  return { number, kind: mutation.kind, ...(await verdictOn(path, truth, mutation)) };
}

async function verdictOn(
  path: string,
  { template }: Truth,
  mutation: Mutation,
): Promise<Omit<Judgement, 'number' | 'kind'>> {
  const scans: string[] = [];
  const files = openFiles(path, (state) => scans.push(state));
  let found: string;
  let acked: Cursor;
  try {
    const store = files.get(AGENT);
    found = readEverything(store);
    ({ acked } = store.counters);
  } catch (error) {
    if (!isHoldfastError(error))
      return { verdict: 'wrong', how: `a bug: ${error instanceof Error ? error.stack : String(error)}` };
    return { verdict: 'detected', how: 'refused' };
  } finally {
    files.close();
  }
  if (template.sound.includes(found)) return { verdict: 'harmless', how: 'all of it is there' };
  if (scans.includes('suspect')) return { verdict: 'detected', how: 'told by the scan of the log' };
  const report = await checkFile(path, 'agent');
  if (report.state !== 'sound') return { verdict: 'detected', how: 'found by the check of the file' };
  const { cursor } = template;
  if (mutation.isLikeAnOlderCopy && (acked.seq !== cursor.seq || acked.version !== cursor.version)) {
    return { verdict: 'detected', how: 'told by the relay' };
  }
  return { verdict: 'wrong', how: `taken for sound, with a log that is ${scans.join()}` };
}

function readFiles(path: string): FileBytes {
  return { database: readFileSync(path), wal: readFileSync(`${path}-wal`) };
}

function writeFiles(path: string, { database, wal }: FileBytes): void {
  writeFileSync(path, database);
  if (wal !== null) writeFileSync(`${path}-wal`, wal);
}
