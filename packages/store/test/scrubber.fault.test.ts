import { copyFileSync, renameSync } from 'node:fs';

import { openDatabase } from '@holdfast/sqlite';
import { type FileReport, Scrubber, type ScrubberOptions, type ScrubTarget } from '@holdfast/store';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { put, TestAgent } from './fixture.ts';

const LIMIT_MS = 20_000;

async function writeFile(place: TemporaryDirectory, name: string): Promise<ScrubTarget> {
  const path = place.file(`${name}.db`);
  using agent = new TestAgent(path);
  await agent.write(put('notes', 'first', { name }));
  await agent.write(put('notes', 'second', { name }));
  return { name, path, kind: 'agent', isReady: () => true };
}

function damage({ path }: ScrubTarget): void {
  const database = openDatabase(path);
  database.exec(`UPDATE records SET doc = '{"name":"other"}' WHERE id = 'second'`);
  database.close();
}

interface Watched {
  readonly reports: [string, FileReport['state']][];
  readonly scrubber: Scrubber;
}

function scrub(targets: readonly ScrubTarget[], options: Partial<ScrubberOptions> = {}): Watched {
  const reports: Watched['reports'] = [];
  const scrubber = new Scrubber({
    targets: () => targets,
    everyMs: 3_600_000,
    firstAfterMs: 0,
    bytesPerSecond: Infinity,
    now: () => 1_700_000_000_000,
    onReport: ({ name }, { state }) => void reports.push([name, state]),
    ...options,
  });
  return { reports, scrubber };
}

describe('a scrubber', () => {
  test('checks every file that is ready, one after the other, and says how far it is', async () => {
    await using place = await temporaryDirectory();
    const [ada, bob, eve] = [
      await writeFile(place, 'ada'),
      await writeFile(place, 'bob'),
      await writeFile(place, 'eve'),
    ];
    damage(bob);
    const { reports, scrubber } = scrub([ada, { ...eve, isReady: () => false }, bob]);
    await eventually(() => expect(scrubber.status.last_pass_at).not.toBeNull(), { limitMs: LIMIT_MS });
    expect(reports).toEqual([
      ['ada', 'sound'],
      ['bob', 'damaged'],
    ]);
    expect(scrubber.status).toEqual({
      state: 'waiting',
      files_done: 3,
      files_total: 3,
      last_pass_at: '2023-11-14T22:13:20.000Z',
      problems: 1,
    });
    await scrubber.stop();
  });

  test('goes round again and again', async () => {
    await using place = await temporaryDirectory();
    const ada = await writeFile(place, 'ada');
    const { reports, scrubber } = scrub([ada], { everyMs: 1 });
    await eventually(() => expect(reports.length).toBeGreaterThan(1), { limitMs: LIMIT_MS });
    damage(ada);
    await eventually(() => expect(reports.at(-1)).toEqual(['ada', 'damaged']), { limitMs: LIMIT_MS });
    await scrubber.stop();
  });

  test('ends at once in the middle of a check, and may be off altogether', async () => {
    await using place = await temporaryDirectory();
    const ada = await writeFile(place, 'ada');
    const { reports, scrubber } = scrub([ada], { bytesPerSecond: 1 });
    await eventually(() => expect(scrubber.current).toBe('ada'), { limitMs: LIMIT_MS });
    expect(scrubber.status.state).toBe('checking');
    await scrubber.stop();
    expect(reports).toEqual([]);
    const off = scrub([ada], { everyMs: 0 });
    expect(off.scrubber.status.state).toBe('off');
    await off.scrubber.stop();
  });

  test('says nothing of a file that was replaced while it was checked', async () => {
    await using place = await temporaryDirectory();
    const [ada, bob] = [await writeFile(place, 'ada'), await writeFile(place, 'bob')];
    damage(ada);
    const replacement = place.file('replacement.db');
    copyFileSync(bob.path, replacement);
    const { reports, scrubber } = scrub([ada, bob], { bytesPerSecond: 200_000 });
    await eventually(() => expect(scrubber.current).toBe('ada'), { limitMs: LIMIT_MS, everyMs: 1 });
    renameSync(replacement, ada.path);
    await eventually(() => expect(scrubber.status.last_pass_at).not.toBeNull(), { limitMs: LIMIT_MS });
    expect(reports).toEqual([['bob', 'sound']]);
    await scrubber.stop();
  });
});
