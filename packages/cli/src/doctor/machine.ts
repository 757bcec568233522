import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { HoldfastError } from '@holdfast/protocol';
import { openDatabase } from '@holdfast/sqlite';

import type { ServiceName } from '../config/locations.ts';
import { fail, type Finding, ok, warn } from './check.ts';

const OLDEST_NODE: readonly [number, number] = [22, 19];
const execute = promisify(execFile);

/** Whether this Node is one Holdfast runs on. */
export function checkNodeVersion(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  return isOld
    ? fail(
        'Node.js',
        version,
        `Run Holdfast with Node ${OLDEST_NODE.join('.')} or newer; scripts/holdfast brings its own.`,
      )
    : ok('Node.js', version);
}

/** Whether SQLite opens a file with every setting that durability rests on. */
export function checkSqlite(): Finding {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-doctor-'));
  try {
    const database = openDatabase(join(directory, 'check.db'));
    const version = String(database.prepare('SELECT sqlite_version()').pluck().get());
    database.close();
    return ok('SQLite', `${version}, durable settings hold`);
  } catch (error) {
    if (error instanceof HoldfastError) return fail('SQLite', error.message, error.kind.remedy);
    return fail(
      'SQLite',
      error instanceof Error ? error.message : String(error),
      'Install the dependencies again: npm run setup.',
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether systemd accepts the installed unit of a service; undefined where none is installed or there is no systemd. */
export async function checkUnit(service: ServiceName, directory = '/etc/systemd/system'): Promise<Finding | undefined> {
  const unit = join(directory, `holdfast-${service}.service`);
  if (!existsSync(unit)) return undefined;
  try {
    const { stderr } = await execute('systemd-analyze', ['verify', unit]);
    const said = stderr.trim();
    return said === ''
      ? ok('systemd unit', unit)
      : warn('systemd unit', said, 'Compare it with config/systemd of this version.');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    return fail('systemd unit', said, 'Install it again from config/systemd, then `systemctl daemon-reload`.');
  }
}
