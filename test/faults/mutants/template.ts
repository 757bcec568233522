import { copyFileSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Cursor } from '@holdfast/protocol';

import { AGENT, AGENT_FILE, openFiles, readEverything } from './agent-state.ts';

/** A file that mutants are made of: a database and the log it was killed with. */
export interface Template {
  readonly path: string;
  /** Whether the relay has all of it. */
  readonly isAcknowledged: boolean;
  /** Where the relay stands. */
  readonly cursor: Cursor;
  /** What reading everything may give: all of it; and, where nobody was answered for the last transaction, all but that. */
  readonly sound: readonly string[];
}

/** What became of a mutant. */
export interface Judgement {
  readonly number: number;
  readonly kind: string;
  readonly verdict: 'detected' | 'harmless' | 'wrong';
  readonly how: string;
}

const PROCESS = fileURLToPath(new URL('template-process.ts', import.meta.url));

/** Makes both templates in a directory. */
export async function makeTemplates(place: string): Promise<readonly Template[]> {
  return [await makeTemplate(join(place, 'acknowledged')), await makeTemplate(join(place, 'waiting'))];
}

async function makeTemplate(directory: string): Promise<Template> {
  const isAcknowledged = directory.endsWith('acknowledged');
  const working = join(directory, 'working', AGENT_FILE);
  mkdirSync(dirname(working), { recursive: true, mode: 0o700 });
  const child = spawn(process.execPath, [PROCESS, working, isAcknowledged ? 'acknowledged' : 'waiting'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const before = read(copyOf(working, join(directory, 'before')));
  child.stdin.write('go on\n');
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const path = copyOf(working, join(directory, 'template'));
  const after = read(copyOf(path, join(directory, 'after')));
  const sound = isAcknowledged ? [after.text] : [after.text, before.text];
  return { path, isAcknowledged, cursor: after.acked, sound };
}

function copyOf(path: string, directory: string): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const copy = join(directory, AGENT_FILE);
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  return copy;
}

function read(path: string): { readonly text: string; readonly acked: Cursor } {
  const files = openFiles(path);
  try {
    const store = files.get(AGENT);
    return { text: readEverything(store), acked: store.counters.acked };
  } finally {
    files.close();
  }
}
