import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { figures } from '../src/bench/all-figures.ts';
import { writeBulk } from '../src/bench/bulk-write.ts';
import type { Figure } from '../src/bench/figures/figure.ts';
import type { LoadPlan, LoadResult } from '../src/bench/load-plan.ts';
import { meetsTarget, type Reading } from '../src/bench/reading.ts';
import { reportText } from '../src/bench/report.ts';
import { medianRatio } from '../src/bench/rounds.ts';
import { runBench } from '../src/bench/run.ts';
import { processScript, Surroundings } from '../src/bench/surroundings.ts';
import { CommandError } from '../src/command-error.ts';
import { runHoldfast } from './run-holdfast.ts';

/** Runs `work` against a server of the given answer, closed afterwards. */
async function withServer(onRequest: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(onRequest).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function planFor(url: string): LoadPlan {
  const times = { warmUpMs: 50, measureMs: 200 };
  return { url, tokens: ['secret'], connections: 4, ...times, kind: 'put', path: '/x/', prefix: 'p-', records: 0 };
}

function readingOf(value: number, target: Reading['target']): Reading {
  return { name: 'some.figure', value, unit: 'ratio', target, measured: '1/s', reference: null, details: {} };
}

describe('the load generator', () => {
  test('counts only what the server answered, and writes a record of its own each time', async () => {
    const paths: string[] = [];
    const bodies = new Set<string>();
    const onRequest: RequestListener = (request, response) => {
      paths.push(`${request.method} ${request.url}`);
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part));
      request.on('end', () => {
        bodies.add(JSON.stringify(JSON.parse(body)));
        response.end('{"ok":true}');
      });
    };
    await withServer(onRequest, async (url) => {
      await using surroundings = new Surroundings();
      const result = await surroundings.run<LoadResult>('load-generator', planFor(url));
      expect(result.requests).toBeGreaterThan(0);
      expect(result.requests).toBeLessThan(result.requestsWithWarmUp);
      expect(paths.length).toBeLessThanOrEqual(result.requestsWithWarmUp);
      expect(result.requests).toBeLessThanOrEqual(paths.length);
    });
    expect(paths[0]).toMatch(/^PUT \/x\/p-\d{8}$/);
    expect(new Set(paths).size).toBe(paths.length);
    expect(bodies.size).toBe(paths.length);
  });

  test('fails, naming the answer, when the server refuses', async () => {
    const refuse: RequestListener = (request, response) => {
      request.resume();
      response.writeHead(503).end('{}');
    };
    await withServer(refuse, async (url) => {
      await using surroundings = new Surroundings();
      await expect(surroundings.run('load-generator', planFor(url))).rejects.toThrow(/503/);
    });
  });
});

describe('the bulk writer', () => {
  test('fails when the answer does not say that every row is written', async () => {
    const half: RequestListener = (request, response) => {
      request.resume().on('end', () => response.end('{"end":true,"count":10,"written":5}\n'));
    };
    await withServer(half, async (url) => {
      await using surroundings = new Surroundings();
      await expect(writeBulk(surroundings, { url, token: 'secret', rows: 10 })).rejects.toThrow(/"written":5/);
    });
  });
});

describe('a run of the bench', () => {
  test('goes on after a figure that could not be measured, and says which', async () => {
    const good: Figure = { name: 'good', help: '', measure: async () => [readingOf(1, null)] };
    const bad: Figure = {
      name: 'bad',
      help: '',
      measure: async () => Promise.reject(new CommandError('no such program', 'Install it.')),
    };
    const report = await runBench({ figures: [bad, good], quick: true, onFigure: () => undefined });
    expect(report.unmeasured).toEqual([{ name: 'bad', reason: 'no such program' }]);
    expect(report.readings.map(({ value }) => value)).toEqual([1]);
    expect(reportText(report)).toContain('bad was not measured: no such program');
  });

  test('leaves neither processes nor files behind when a figure fails', async () => {
    let directory = '';
    let pid = 0;
    const failing: Figure = {
      name: 'failing',
      help: '',
      measure: async ({ surroundings }) => {
        directory = surroundings.directory;
        const server = surroundings.start(process.execPath, [processScript('bare-server')]);
        pid = server.pid;
        await server.firstLine;
        throw new CommandError('enough', 'Nothing.');
      },
    };
    await runBench({ figures: [failing], quick: true, onFigure: () => undefined });
    expect(existsSync(directory)).toBe(false);
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  test('takes the median of ratios of neighbours, whatever one round was disturbed by', () => {
    const rounds = [
      { reference: 100, subject: 50 },
      { reference: 10, subject: 6 },
      { reference: 100, subject: 1 },
    ];
    expect(medianRatio(rounds)).toBe(0.5);
  });

  test('judges at least and at most by their own side', () => {
    expect(meetsTarget(readingOf(0.5, { kind: 'at-least', value: 0.5 }))).toBe(true);
    expect(meetsTarget(readingOf(0.49, { kind: 'at-least', value: 0.5 }))).toBe(false);
    expect(meetsTarget(readingOf(121, { kind: 'at-most', value: 120 }))).toBe(false);
    expect(meetsTarget(readingOf(1, null))).toBe(null);
  });
});

describe('holdfast bench', () => {
  test('measures with real processes and writes its figures to the file', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-test-'));
    try {
      const file = join(directory, 'figures.json');
      const ended = await runHoldfast(['bench', '--quick', '--only', 'start.node', '--json', file]);
      expect(ended).toMatchObject({ exitCode: 0 });
      const report = (await import(file, { with: { type: 'json' } })) as { default: { readings: Reading[] } };
      expect(report.default.readings.map(({ name }) => name)).toEqual(['start.node']);
      expect(report.default.readings[0]?.value).toBeGreaterThan(0);
      expect(ended.stdout).toContain('start.node');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('refuses a figure it does not know, naming those it does', async () => {
    const ended = await runHoldfast(['bench', '--only', 'write.singel']);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toContain(figures.map(({ name }) => name).join(', '));
  });

  test('refuses a file without --json', async () => {
    expect(await runHoldfast(['bench', 'figures.json'])).toMatchObject({ exitCode: 2 });
  });
});
