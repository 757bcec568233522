import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseDocument } from '@holdfast/protocol';
import { ensurePrivateDirectory, lockDirectory, openDatabase } from '@holdfast/sqlite';
import { temporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test, vi } from 'vitest';

import {
  directorySource,
  extractAgent,
  listBackups,
  readManifest,
  type Restored,
  restoreService,
  verifyBackup,
} from '../src/index.ts';
import { sealedText } from '../src/sealed.ts';
import { backUp, chunksIn, contentOf, makeNode, recordsOf, refusal, schemas, withAgent, write } from './fixture.ts';

// Each check of a file is a process of its own.
vi.setConfig({ testTimeout: 120_000 });

interface Place extends AsyncDisposable {
  readonly data: string;
  readonly backups: string;
  file(name: string): string;
}

/** A node with two agents, and a place for backups. */
async function place(): Promise<Place> {
  const home = await temporaryDirectory();
  const data = home.file('data');
  makeNode(data);
  await write(data, 'ada', [0, 3000]);
  await write(data, 'bob', [0, 100]);
  return {
    data,
    backups: home.file('backups'),
    file: (name) => home.file(name),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  };
}

async function restore(from: string, directory: string, id?: string): Promise<Restored> {
  ensurePrivateDirectory(directory);
  const lock = lockDirectory(directory);
  try {
    return await restoreService({ from, id, service: 'node', directory, schemas, onFile: () => undefined });
  } finally {
    lock.release();
  }
}

async function problemsOf(backups: string, id: string, scratch: string): Promise<readonly string[]> {
  mkdirSync(scratch, { recursive: true });
  return (await verifyBackup(backups, (await readManifest(backups, id)).content, { scratch })).problems;
}

/** Changes a record behind the store's back. */
function rotIn(path: string): void {
  const database = openDatabase(path);
  database.exec("UPDATE records SET doc = '{}' WHERE id = 'r-5'");
  database.close();
}

function rot(data: string, agent: string): void {
  rotIn(join(data, 'agents', `${agent}.db`));
}

function incarnationOf(data: string, agent: string): Promise<string> {
  return withAgent(data, agent, ({ incarnation }) => incarnation);
}

/** Has the node's database tell which streams its agents' files hold. */
function noteIncarnations(data: string, incarnations: Readonly<Record<string, string>>): void {
  const database = openDatabase(join(data, 'node.db'));
  database.exec(`
    CREATE TABLE IF NOT EXISTS agents (name TEXT PRIMARY KEY, incarnation TEXT, damaged_at INTEGER) STRICT;
    PRAGMA user_version = 2;
  `);
  const note = database.prepare('INSERT OR REPLACE INTO agents (name, incarnation) VALUES (?, ?)');
  for (const [agent, incarnation] of Object.entries(incarnations)) note.run(agent, incarnation);
  database.close();
}

/** Writes a manifest with a right seal and changed content. */
async function forge(backups: string, id: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const { content } = await readManifest(backups, id);
  writeFileSync(join(backups, `${id}.json`), sealedText({ ...content, ...change }));
}

describe('a backup', () => {
  test('restores to what was there, in an empty place', async () => {
    await using home = await place();
    const { manifest, verifiedAt } = await backUp(home.data, home.backups);
    expect(verifiedAt).not.toBeNull();
    expect(manifest.node).toBe('workstation');
    const { replaced } = await restore(home.backups, home.file('new'));
    expect(replaced).toBeNull();
    expect(await contentOf(home.file('new'))).toEqual(await contentOf(home.data));
    expect(readFileSync(join(home.file('new'), 'admin.token'), 'utf8')).toBe('secret-of-0000000a\n');
  });

  test('says of each agent where its stream stands', async () => {
    await using home = await place();
    const { manifest } = await backUp(home.data, home.backups);
    const file = manifest.files.find(({ path }) => path === 'agents/bob.db');
    const expected = await withAgent(home.data, 'bob', ({ incarnation, counters }) => ({
      incarnation,
      last_seq: counters.lastSeq,
      acked: counters.acked,
    }));
    expect(file?.stream).toMatchObject(expected);
  });

  test('of a file with much room given back is made: the same chunk comes again and again', async () => {
    await using home = await place();
    const database = openDatabase(join(home.data, 'agents', 'bob.db'));
    database.exec('CREATE TABLE gone (bytes BLOB)');
    database.exec(
      'INSERT INTO gone SELECT randomblob(1000000) FROM (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10),(11),(12),(13),(14),(15),(16))',
    );
    database.exec('DROP TABLE gone');
    database.close();
    const { manifest, verifiedAt } = await backUp(home.data, home.backups);
    const chunks = manifest.files.find(({ path }) => path === 'agents/bob.db')?.chunks ?? [];
    expect(chunks.some((chunk, at) => chunks.slice(at + 1, at + 4).includes(chunk))).toBe(true);
    expect(verifiedAt).not.toBeNull();
  });

  test('can be read by nobody else', async () => {
    await using home = await place();
    await backUp(home.data, home.backups);
    const open = readdirSync(home.backups, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !name.startsWith('lock.db') && (statSync(join(home.backups, name)).mode & 0o077) !== 0,
    );
    expect(open).toEqual([]);
    expect(statSync(home.backups).mode & 0o777).toBe(0o700);
  });

  test('after few changes costs little', async () => {
    await using home = await place();
    const first = await backUp(home.data, home.backups);
    const before = chunksIn(home.backups);
    await write(home.data, 'ada', [1500, 1505], 'y');
    const second = await backUp(home.data, home.backups);
    const added = chunksIn(home.backups).filter((name) => !before.includes(name));
    expect(before.length).toBeGreaterThan(5);
    expect(added.length).toBeLessThanOrEqual(3);
    expect(second.manifest.new_bytes).toBeLessThan(first.manifest.new_bytes);
    expect(second.verifiedAt).not.toBeNull();
  });

  test('keeps what stands in the write-ahead log only', async () => {
    await using home = await place();
    // A copy of an open database with its log is what a killed process leaves.
    const killed = home.file('killed');
    mkdirSync(join(killed, 'agents'), { recursive: true, mode: 0o700 });
    await withAgent(home.data, 'bob', async (store) => {
      const document = parseDocument('{"text":"in the log"}');
      const operation = { op: 'put', collection: 'notes', id: 'last', document, expiresAtMs: null } as const;
      await store.write({ resource: '', operations: [operation] });
      for (const name of ['node.db', 'admin.token', 'agents/bob.db', 'agents/bob.db-wal']) {
        copyFileSync(join(home.data, name), join(killed, name));
      }
    });
    expect(statSync(join(killed, 'agents/bob.db-wal')).size).toBeGreaterThan(0);
    await backUp(killed, home.backups);
    await restore(home.backups, home.file('new'));
    expect(await recordsOf(home.file('new'), 'bob')).toEqual(await recordsOf(home.data, 'bob'));
    expect(statSync(join(killed, 'agents/bob.db-wal')).size).toBeGreaterThan(0);
  });

  test('goes on past a damaged agent, and says that it is missing', async () => {
    await using home = await place();
    writeFileSync(
      join(home.data, 'agents', 'bob.db'),
      'no database at all, but long enough to look like a file'.repeat(20),
    );
    const { manifest, verifiedAt } = await backUp(home.data, home.backups);
    expect(manifest.missing).toEqual([{ agent: 'bob', reason: 'file-damaged' }]);
    expect(verifiedAt).not.toBeNull();
    await restore(home.backups, home.file('new'));
    expect(Object.keys(await contentOf(home.file('new')))).toEqual(['ada']);
  });

  test('knows of an agent whose file was set aside', async () => {
    await using home = await place();
    const database = openDatabase(join(home.data, 'node.db'));
    database.exec(`
      CREATE TABLE agents (name TEXT, incarnation TEXT, damaged_at INTEGER) STRICT;
      INSERT INTO agents (name, incarnation, damaged_at) VALUES ('carol', 'one', 1), ('never-used', NULL, NULL);
      PRAGMA user_version = 2;
    `);
    database.close();
    const { manifest } = await backUp(home.data, home.backups);
    expect(manifest.missing).toEqual([{ agent: 'carol', reason: 'file-damaged' }]);
  });

  test('of a file that is damaged inside is told to be no good and stays, and another is made without that agent', async () => {
    await using home = await place();
    rot(home.data, 'bob');
    const { verifiedAt, problems, manifest } = await backUp(home.data, home.backups);
    expect([verifiedAt === null, problems]).toEqual([false, []]);
    expect(manifest.missing).toEqual([{ agent: 'bob', reason: 'file-damaged' }]);
    const [newest, first] = await listBackups(home.backups);
    expect(newest).toMatchObject({ id: manifest.id, verifiedAt });
    expect(first).toMatchObject({ verifiedAt: null, manifest: { missing: [] } });
  });

  test('of a copy that is damaged while the file is not is told to be no good, and none is made without the agent', async () => {
    await using home = await place();
    const source = directorySource('node', home.data);
    const files = source.files().map((file) => ({
      ...file,
      copyTo: async (...[path, onProgress]: Parameters<typeof file.copyTo>) => {
        await file.copyTo(path, onProgress);
        if (file.path === 'agents/bob.db') rotIn(path);
      },
    }));
    const { verifiedAt, problems, manifest } = await backUp(home.data, home.backups, {
      source: { ...source, files: () => files },
    });
    expect([verifiedAt, manifest.missing]).toEqual([null, []]);
    expect(problems).toEqual([expect.stringMatching(/^agents\/bob\.db: damaged; hash \(1\)/)]);
    expect(await listBackups(home.backups)).toHaveLength(1);
  });

  test('whose agent’s file was exchanged between the node’s database and its turn is made again', async () => {
    await using home = await place();
    noteIncarnations(home.data, { ada: 'ada of before', bob: await incarnationOf(home.data, 'bob') });
    const ada = await incarnationOf(home.data, 'ada');
    const source = directorySource('node', home.data);
    const files = source.files().map((file) => ({
      ...file,
      copyTo: async (...[path, onProgress]: Parameters<typeof file.copyTo>) => {
        if (file.path === 'agents/ada.db') noteIncarnations(home.data, { ada });
        await file.copyTo(path, onProgress);
      },
    }));
    const { verifiedAt, manifest } = await backUp(home.data, home.backups, {
      source: { ...source, files: () => files },
    });
    expect([verifiedAt === null, manifest.missing]).toEqual([false, []]);
    const [, first] = await listBackups(home.backups);
    expect(await problemsOf(home.backups, first?.id ?? '', home.file('scratch'))).toEqual([
      expect.stringMatching(/^agent ada: its file was exchanged/),
    ]);
  });

  test('mends a chunk that rotted, for the older backups too', async () => {
    await using home = await place();
    const first = await backUp(home.data, home.backups);
    const [hash = ''] = first.manifest.files[0]?.chunks ?? [];
    writeFileSync(join(home.backups, 'chunks', hash.slice(0, 2), hash), 'rot');
    expect(await problemsOf(home.backups, first.manifest.id, home.file('scratch'))).toHaveLength(1);
    const { problems, verifiedAt } = await backUp(home.data, home.backups);
    expect([problems, verifiedAt === null]).toEqual([[], false]);
    expect(await problemsOf(home.backups, first.manifest.id, home.file('scratch'))).toEqual([]);
  });

  test('without room is refused and takes none', async () => {
    await using home = await place();
    await refusal(backUp(home.data, home.backups, { reserveBytes: 1e18 }), 'disk-full');
    expect(await listBackups(home.backups)).toEqual([]);
    expect(chunksIn(home.backups)).toEqual([]);
  });

  test('that is broken off leaves nothing but the ones before it', async () => {
    await using home = await place();
    const first = await backUp(home.data, home.backups);
    const before = chunksIn(home.backups);
    await write(home.data, 'ada', [0, 3000], 'z');
    const controller = new AbortController();
    const stopped = new Error('stopped');
    const onProgress = ({ filesDone }: { filesDone: number }): void => {
      if (filesDone === 2) controller.abort(stopped);
    };
    await expect(backUp(home.data, home.backups, { signal: controller.signal, onProgress })).rejects.toBe(stopped);
    expect((await listBackups(home.backups)).map(({ id }) => id)).toEqual([first.manifest.id]);
    expect(chunksIn(home.backups)).toEqual(before);
    expect(existsSync(join(home.backups, 'scratch'))).toBe(false);
  });
});

describe('a directory of backups', () => {
  test('must hold nothing else', async () => {
    await using home = await place();
    mkdirSync(home.backups, { mode: 0o700 });
    writeFileSync(join(home.backups, 'letter.txt'), 'Dear Ada');
    await refusal(backUp(home.data, home.backups), 'directory-unsafe');
    expect(readdirSync(home.backups)).toEqual(['letter.txt']);
  });

  test('is of one node only, unless it is in the data directory', async () => {
    await using home = await place();
    await backUp(home.data, home.backups);
    makeNode(home.file('other'), '0000000b');
    expect(await refusal(backUp(home.file('other'), home.backups), 'directory-unsafe')).toContain('another node');
    expect((await backUp(home.file('other'), home.backups, { isShared: false })).verifiedAt).not.toBeNull();
  });

  test('is used by one process at a time', async () => {
    await using home = await place();
    await backUp(home.data, home.backups);
    const lock = lockDirectory(home.backups);
    await refusal(backUp(home.data, home.backups), 'work-under-way');
    lock.release();
    expect((await backUp(home.data, home.backups)).verifiedAt).not.toBeNull();
  });

  test('keeps the newest verified backups and no chunk they do not need', async () => {
    await using home = await place();
    const ids: string[] = [];
    for (const text of ['a', 'b', 'c']) {
      await write(home.data, 'ada', [0, 3000], text);
      ids.push((await backUp(home.data, home.backups, { keep: 2 })).manifest.id);
    }
    const kept = await listBackups(home.backups);
    expect(kept.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    const needed = new Set(kept.flatMap(({ manifest }) => manifest?.files.flatMap(({ chunks }) => chunks) ?? []));
    expect(chunksIn(home.backups)).toEqual([...needed].toSorted());
  });

  test('never gives up the last backup that has an agent', async () => {
    await using home = await place();
    const whole = await backUp(home.data, home.backups, { keep: 1 });
    const records = await recordsOf(home.data, 'bob');
    writeFileSync(join(home.data, 'agents', 'bob.db'), 'broken'.repeat(1000));
    for (let count = 0; count < 3; count += 1) await backUp(home.data, home.backups, { keep: 1 });
    expect(await listBackups(home.backups)).toHaveLength(2);
    mkdirSync(home.file('taken/agents'), { recursive: true });
    const { id } = await extractAgent(home.backups, undefined, 'bob', home.file('taken/agents/bob.db'));
    expect(id).toBe(whole.manifest.id);
    expect(await recordsOf(home.file('taken'), 'bob')).toEqual(records);
  });

  test('with a manifest that cannot be read gives no chunk away', async () => {
    await using home = await place();
    const first = await backUp(home.data, home.backups);
    writeFileSync(join(home.backups, `${first.manifest.id}.json`), '{}');
    const before = chunksIn(home.backups);
    await write(home.data, 'ada', [0, 3000], 'q');
    const { keptBytes } = await backUp(home.data, home.backups);
    expect(keptBytes).toBeNull();
    expect(chunksIn(home.backups)).toEqual(expect.arrayContaining(before));
  });
});

describe('what is refused', () => {
  test('a backup that is not there, or in no directory of backups', async () => {
    await using home = await place();
    const id = '2026-01-01T00-00-00Z';
    await refusal(restore(home.backups, home.file('new')), 'backup-not-found');
    await backUp(home.data, home.backups);
    await refusal(restore(home.backups, home.file('new'), id), 'backup-not-found');
    await refusal(restore(home.backups, home.file('new'), '../../etc/passwd'), 'backup-not-found');
    await refusal(extractAgent(home.backups, undefined, 'carol', home.file('carol.db')), 'backup-not-found');
    expect(existsSync(home.file('carol.db'))).toBe(false);
  });

  test('a file whose path leads elsewhere', async () => {
    await using home = await place();
    const { manifest } = await backUp(home.data, home.backups);
    for (const path of [
      '../evil',
      'agents/../../evil.db',
      '/evil',
      'constructor',
      'agents/x.db\n',
      'node.db/x',
      'service.json',
    ]) {
      writeFileSync(
        join(home.backups, `${manifest.id}.json`),
        sealedText({ ...manifest, files: [{ ...manifest.files[0], path }] }),
      );
      expect(await refusal(restore(home.backups, home.file('new')), 'backup-damaged')).toContain(manifest.id);
    }
    expect(existsSync(home.file('evil'))).toBe(false);
  });

  test('a manifest that was changed, wherever', async () => {
    await using home = await place();
    const { manifest } = await backUp(home.data, home.backups);
    const path = join(home.backups, `${manifest.id}.json`);
    const text = readFileSync(path, 'utf8');
    const changes = [
      ['"workstation"', '"workstatiom"'],
      ['"missing":[]', '"missing": []'],
      ['{"sha256"', '{ "sha256"'],
      [',"new_bytes"', ',"new_byteS"'],
    ] as const;
    for (const [from, to] of changes) {
      expect(text).toContain(from);
      writeFileSync(path, text.replace(from, to));
      expect(await refusal(readManifest(home.backups, manifest.id), 'backup-damaged')).toContain(path);
    }
    writeFileSync(path, text);
    expect((await readManifest(home.backups, manifest.id)).content).toEqual(manifest);
  });

  test('a newer form and a newer schema, both left as they are', async () => {
    await using home = await place();
    const { manifest } = await backUp(home.data, home.backups);
    const before = await contentOf(home.data);
    const files = manifest.files.map((file) => ({ ...file, schema: file.schema === null ? null : 1001 }));
    await forge(home.backups, manifest.id, { files });
    await refusal(restore(home.backups, home.data), 'schema-newer');
    await forge(home.backups, manifest.id, { format: 2, unknown: true });
    await refusal(restore(home.backups, home.data), 'schema-newer');
    expect(await contentOf(home.data)).toEqual(before);
    expect(readdirSync(home.data).filter((name) => name.startsWith('re'))).toEqual([]);
  });

  test('a directory without the service', async () => {
    await using home = await place();
    expect(() => directorySource('relay', home.data)).toThrow(/there is no relay/);
  });
});

describe('restoring over data', () => {
  test('sets all of it aside and deletes nothing', async () => {
    await using home = await place();
    const { manifest } = await backUp(home.data, home.backups);
    const old = await contentOf(home.data);
    await write(home.data, 'ada', [2990, 3010], 'later');
    await write(home.data, 'carol', [0, 5]);
    const later = await contentOf(home.data);
    const { replaced, unsent } = await restore(home.backups, home.data, manifest.id);
    expect(unsent).toBe(Object.values(later).flat().length);
    expect(await contentOf(home.data)).toEqual(old);
    expect(await contentOf(replaced ?? '')).toEqual(later);
    expect(existsSync(join(home.data, 'restoring'))).toBe(false);
  });

  test('does not begin when the backup is not whole', async () => {
    await using home = await place();
    const { manifest } = await backUp(home.data, home.backups);
    const [hash = ''] = manifest.files.at(-2)?.chunks ?? [];
    writeFileSync(join(home.backups, 'chunks', hash.slice(0, 2), hash), 'rot');
    await write(home.data, 'ada', [0, 1], 'later');
    const before = await contentOf(home.data);
    expect(await refusal(restore(home.backups, home.data), 'backup-damaged')).toContain(hash);
    expect(await contentOf(home.data)).toEqual(before);
    expect(readdirSync(home.data).filter((name) => name.startsWith('re'))).toEqual([]);
  });

  test('takes no older backup in place of one that cannot be read', async () => {
    await using home = await place();
    const older = await backUp(home.data, home.backups);
    const newer = await backUp(home.data, home.backups);
    writeFileSync(join(home.backups, `${newer.manifest.id}.json`), '{}');
    expect(await refusal(restore(home.backups, home.file('new')), 'backup-damaged')).toContain(newer.manifest.id);
    await restore(home.backups, home.file('new'), older.manifest.id);
    expect(await contentOf(home.file('new'))).toEqual(await contentOf(home.data));
  });
});
