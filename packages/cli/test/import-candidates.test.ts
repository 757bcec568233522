import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect, type Holdfast } from '@holdfast/client';
import { startDaemon } from '@holdfast/daemon';
import { type Json, nodeOptions, resolveConfig } from '@holdfast/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Rejection } from '../src/import/conversations.ts';
import { type CandidateSummary, importCandidates } from '../src/import/import-candidates.ts';
import { inTemporaryDirectory } from './run-holdfast.ts';

const resources = new AsyncDisposableStack();
let url: string;
let admin: Holdfast;
let holdfast: Holdfast;
let agents = 0;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  resources.defer(() => rmSync(directory, { recursive: true, force: true }));
  const file = { 'listen.port': 0 };
  const { values } = resolveConfig('node', nodeOptions, { flags: {}, environment: {}, file });
  const log = pino({ level: 'silent' });
  const daemon = await startDaemon({ config: values, directory, log, version: '0.0.0-test' });
  resources.defer(() => daemon.stop());
  url = daemon.url;
  admin = resources.use(connect({ url, token: readFileSync(join(directory, 'admin.token'), 'utf8').trim() }));
});
afterAll(() => resources.disposeAsync());

// Each test has an agent of its own.
beforeEach(async () => {
  agents += 1;
  const { token } = await admin.agents.create(`agent-${agents}`);
  holdfast = resources.use(connect({ url, token }));
});

interface Came {
  readonly summary: CandidateSummary;
  readonly rejections: readonly Rejection[];
}

async function importText(text: string, { name = 'people.csv', isDryRun = false } = {}): Promise<Came> {
  return inTemporaryDirectory(async (directory) => {
    const path = join(directory, name);
    writeFileSync(path, text);
    const rejections: Rejection[] = [];
    const watcher = {
      onBytes: () => {},
      onRejection: (rejection: Rejection) => void rejections.push(rejection),
      isStopped: () => false,
    };
    return { summary: await importCandidates(path, holdfast, { watcher, isDryRun }), rejections };
  });
}

async function stored(): Promise<Record<string, Json>> {
  const { records } = await holdfast.collection('candidates').query({ limit: 1000 });
  return Object.fromEntries(records.map(({ id, doc }) => [id, doc]));
}

const clean = { written: 0, unchanged: 0, rejected: 0, stopped: false, dryRun: false };

describe('importing candidates from CSV', () => {
  test('columns are matched to fields by name, whatever their case, spaces and dashes', async () => {
    const text = [
      'ID;Full Name;E-Mail;Skills;Years of Experience;STATUS;City;Notice Period;',
      'c-1;Zoë Lindqvist;zoe@example.org;"Python; SQL";7,5;Interviewing;Gothenburg;2 weeks;',
      'c-2;"Okafor; Ada";;Rust|Go | Rust;3;no such;;;',
      'c-3;Bob;bob@example.org;;;;;;',
    ].join('\r\n');
    const { summary, rejections } = await importText(text);
    expect(summary).toEqual({ ...clean, candidates: 2, written: 2, rejected: 1 });
    expect(rejections).toEqual([
      { line: 3, reason: expect.stringMatching(/^status: expected one of new, .*, got another text$/) as string },
    ]);
    expect(await stored()).toEqual({
      'c-1': {
        name: 'Zoë Lindqvist',
        email: 'zoe@example.org',
        skills: ['Python', 'SQL'],
        experience_years: 7.5,
        status: 'interviewing',
        location: 'Gothenburg',
        notice_period: '2 weeks',
      },
      'c-3': { name: 'Bob', email: 'bob@example.org' },
    });
  });

  test('each broken row is named with its line and reason, and every other row is taken', async () => {
    const text = [
      'id,name,email,skills,experience_years',
      'c-1,Ada,ada@example.org,"Python, SQL",7',
      'c-2,"Ben "the bear" B.",ben@example.org,Go,1',
      'c-3,Cem,cem at example,Go,1',
      '',
      'c-4,Dan,dan@example.org,Go',
      'c-5,"Eve,eve@example.org,Go,4',
      'c-6,"Fay',
      'of two lines",fay@example.org,Go,5',
      'c-7,G"us,gus@example.org,Go,6',
      'c-8,Hal,hal@example.org,Go,many',
      'c-9,Ida,ida@example.org,Go,-1',
      ',,,,',
      'c-1,Ada again,,,',
      'c-10,Jo,jo@example.org,"Go,Rust",9',
      'c-11,"Kim',
    ].join('\n');
    const { summary, rejections } = await importText(text);
    expect(rejections).toEqual([
      { line: 3, reason: 'something stands behind a closing quote' },
      { line: 4, reason: 'email: expected an e-mail address' },
      { line: 6, reason: 'it has 4 cells, the header has 5' },
      { line: 7, reason: 'something stands behind a closing quote' },
      { line: 10, reason: 'a quote stands in a cell that does not begin with one' },
      { line: 11, reason: 'experience_years: expected a number, got text' },
      { line: 12, reason: 'experience_years: expected a number, got text' },
      { line: 13, reason: 'says nothing of a candidate' },
      { line: 14, reason: 'the same candidate stands at line 2' },
      { line: 16, reason: 'a quote is not closed' },
    ]);
    expect(summary).toMatchObject({ candidates: 3, written: 3, rejected: 10 });
    expect(Object.keys(await stored())).toEqual(['c-1', 'c-10', 'c-6']);
    expect(await stored()).toMatchObject({ 'c-6': { name: 'Fay\nof two lines' } });
  });

  test('a quote that is never closed costs its own row only, however much follows', async () => {
    const rows = Array.from({ length: 1500 }, (_, index) => `c-${index},Name ${index}`);
    const { summary, rejections } = await importText(['id,name', 'broken,"Ada', ...rows].join('\n'));
    expect(rejections).toEqual([{ line: 2, reason: 'a quote is not closed' }]);
    expect(summary).toMatchObject({ candidates: 1500, written: 1500 });
  });

  test('without an id a candidate is known by the e-mail address, else by all the row says', async () => {
    const text = 'name,email,notes\nAda,Ada@Example.org,first\nBen,,second\n';
    expect((await importText(text)).summary).toMatchObject({ written: 2 });
    const ids = Object.keys(await stored());
    expect(ids).toEqual([expect.stringMatching(/^e-[0-9a-f]{24}$/), expect.stringMatching(/^r-[0-9a-f]{24}$/)]);
    const turned = 'notes,email,name\nfirst,ada@example.org,Ada\nsecond,,Ben\n';
    expect((await importText(turned)).summary).toMatchObject({ written: 1, unchanged: 1 });
    expect(Object.keys(await stored())).toEqual(ids);
  });

  test('a second run writes nothing, and a changed row changes what it says and nothing else', async () => {
    const text = 'id,name,status\nc-1,Ada,new\nc-2,Ben,new\n';
    expect((await importText(text)).summary).toEqual({ ...clean, candidates: 2, written: 2 });
    await holdfast.collection('candidates').patch('c-1', { notes: 'called her' });
    const before = await holdfast.collection('candidates').get('c-2');
    expect((await importText(text)).summary).toEqual({ ...clean, candidates: 2, unchanged: 2 });
    expect(await holdfast.collection('candidates').get('c-2')).toEqual(before);
    const changed = 'id,name,status\nc-1,Ada,active\nc-2,Ben,\n';
    expect((await importText(changed)).summary).toEqual({ ...clean, candidates: 2, written: 1, unchanged: 1 });
    expect(await stored()).toMatchObject({
      'c-1': { name: 'Ada', status: 'active', notes: 'called her' },
      'c-2': { status: 'new' },
    });
  });

  test('a dry run says what would be written and writes nothing', async () => {
    const text = 'id,name,email\nc-1,Ada,\nc-2,Ben,nobody\n';
    const { summary, rejections } = await importText(text, { isDryRun: true });
    expect(summary).toEqual({ ...clean, candidates: 1, written: 1, rejected: 1, dryRun: true });
    expect(rejections).toHaveLength(1);
    expect(await stored()).toEqual({});
  });

  test('tabs part cells too, and the header may have a byte order mark', async () => {
    await importText('\u{FEFF}id\tname\tskills\nc-1\tAda, B.\tPython; SQL\n', { name: 'people.tsv' });
    expect(await stored()).toEqual({ 'c-1': { name: 'Ada, B.', skills: ['Python', 'SQL'] } });
  });

  test.each([
    ['two columns of one field', 'name,Full-Name\nAda,Ada\n', 'two columns mean "name"'],
    ['a first line that is no header', 'Ada,ada@example.org\n', 'the first line names no field of candidates'],
    ['a header that is broken', 'id,"name\n', 'line 1: a quote is not closed'],
    ['text that is not UTF-8', 'latin', 'is not UTF-8'],
  ])('%s ends the import before anything is written', async (_case, text, message) => {
    const bytes = text === 'latin' ? importBytes(Buffer.from('id,name\nc-1,Zo\xEB\n', 'latin1')) : importText(text);
    await expect(bytes).rejects.toThrow(message);
    expect(await stored()).toEqual({});
  });

  test('no rejection repeats a value', async () => {
    const { rejections } = await importText('email,phone,skills\nsecret at home,x,\n"secret,y,z\n');
    expect(rejections).toHaveLength(2);
    expect(JSON.stringify(rejections)).not.toContain('secret');
  });
});

async function importBytes(bytes: Buffer): Promise<unknown> {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, 'people.csv');
    writeFileSync(path, bytes);
    const watcher = { onBytes: () => {}, onRejection: () => {}, isStopped: () => false };
    return importCandidates(path, holdfast, { watcher, isDryRun: false });
  });
}

describe('importing candidates from JSON', () => {
  test('lines are objects whose keys are matched like columns; what does not fit is named with its line', async () => {
    const lines = [
      '{"Id":7,"Name":"Ada","Skills":["Python","SQL"],"experience":4,"nested":{"deep":[1]},"phone":null}',
      '{"id":"c-2","skills":"Go, Rust","Experience Years":"3"}',
      '{"id":"c-3","email":"nobody"}',
      'not json',
      '[1]',
      '{"id":{"a":1},"name":"Eve"}',
      '{"id":"c-4","big":9007199254740993}',
    ];
    const { summary, rejections } = await importText(lines.join('\n'), { name: 'people.jsonl' });
    expect(summary).toMatchObject({ candidates: 2, written: 2, rejected: 5 });
    expect(rejections.map((rejection) => ('line' in rejection ? rejection.line : -1))).toEqual([3, 4, 5, 6, 7]);
    expect(await stored()).toEqual({
      '7': { name: 'Ada', skills: ['Python', 'SQL'], experience_years: 4, nested: { deep: [1] } },
      'c-2': { skills: ['Go', 'Rust'], experience_years: 3 },
    });
  });

  test('an array is known by how it begins, and its items are named by their index', async () => {
    const { summary, rejections } = await importText('[{"id":"c-1","name":"Ada"},{"id":"c-2","name":7}]', {
      name: 'people',
    });
    expect(summary).toMatchObject({ written: 1 });
    expect(rejections).toEqual([{ index: 1, reason: 'name: expected text, got a whole number' }]);
  });
});
