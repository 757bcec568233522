import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { isHoldfastError } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory } from '@holdfast/sqlite';
import { seededRandom, temporaryDirectory, testSeed } from '@holdfast/testkit';
import { expect, test } from 'vitest';

import { assertMark, listBackups, readManifest, restoreService, verifyBackup } from '../src/index.ts';
import { backUp, contentOf, makeNode, schemas, write } from './fixture.ts';

const CASES = 12;

/** What verifying says of the one backup there is. */
async function verdictOf(backups: string, scratch: string): Promise<string> {
  mkdirSync(scratch, { recursive: true });
  try {
    await assertMark(backups);
    const [backup] = await listBackups(backups);
    const { content } = await readManifest(backups, backup?.id ?? 'none');
    const { problems } = await verifyBackup(backups, content, { scratch });
    if (problems.length > 0) return 'damaged';
    return backup?.verifiedAt === null ? 'not verified' : 'whole';
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  }
}

/** What is there after restoring, or the code by which that was refused. */
async function restored(backups: string, directory: string): Promise<unknown> {
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    await restoreService({
      from: backups,
      id: undefined,
      service: 'node',
      directory,
      schemas,
      onFile: () => undefined,
    });
    return [await contentOf(directory), readFileSync(join(directory, 'admin.token'), 'utf8')];
  } catch (error) {
    if (isHoldfastError(error)) return error.code;
    throw error;
  } finally {
    lock.release();
  }
}

test(
  'one flipped bit anywhere in a backup is told, or changes nothing that is restored',
  { timeout: 180_000 },
  async () => {
    await using home = await temporaryDirectory();
    const random = seededRandom(testSeed());
    const data = home.file('data');
    makeNode(data);
    await write(data, 'ada', [0, 300]);
    const whole = home.file('whole');
    await backUp(data, whole);
    rmSync(join(whole, 'lock.db'));
    expect(await verdictOf(whole, home.file('scratch'))).toBe('whole');
    const names = readdirSync(whole, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(whole.length + 1));
    const expected = [await contentOf(data), readFileSync(join(data, 'admin.token'), 'utf8')];
    let told = 0;
    for (let index = 0; index < CASES; index += 1) {
      const broken = home.file('broken');
      cpSync(whole, broken, { recursive: true });
      const name = names[index % names.length] ?? '';
      const bytes = readFileSync(join(broken, name));
      const [at, bit] = [random.integer(0, bytes.length - 1), random.integer(0, 7)];
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      writeFileSync(join(broken, name), bytes);
      const verdict = await verdictOf(broken, home.file('scratch'));
      const outcome = await restored(broken, home.file('new'));
      if (verdict !== 'whole') told += 1;
      // What is not refused is exactly what was there; what verifying finds nothing wrong with is not refused.
      const isRight = isDeepStrictEqual(outcome, expected) || (verdict !== 'whole' && typeof outcome === 'string');
      expect(isRight ? '' : `${name}, byte ${at}, bit ${bit}: ${verdict}, restored: ${JSON.stringify(outcome)}`).toBe(
        '',
      );
      for (const path of [broken, home.file('new')]) rmSync(path, { recursive: true });
    }
    expect(told).toBeGreaterThanOrEqual(CASES - 2);
  },
);
