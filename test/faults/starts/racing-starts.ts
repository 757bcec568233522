import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { connect } from '@holdfast/client';
import { temporaryDirectory, type TemporaryDirectory } from '@holdfast/testkit';

import { Service } from '../../harness/service.ts';
import { stablePort } from '../../harness/stable-port.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';

const AT_ONCE = 10;
const FRESH_EVERY = 5;

/** Daemons started at the same moment on one data directory, new or used. */
export const racingStarts: FaultCase = {
  name: 'racing-starts',
  promise: 'of daemons started at once on one directory exactly one serves, and the others say why and end',
  full: 1000,
  slice: 10,
  needs: [],
  run: raceAgainAndAgain,
};

async function raceAgainAndAgain({ cases, progress }: FaultPlan): Promise<Findings> {
  await using home = await temporaryDirectory();
  const tally = new Tally();
  const rounds = Math.ceil(cases / AT_ONCE);
  for (let round = 0; round < rounds; round += 1) {
    const name = `node-${Math.floor(round / FRESH_EVERY)}`;
    tally.violate(`round ${round + 1}`, await race(home, name, tally));
    tally.fire('starts', AT_ONCE);
    if ((round + 1) % 10 === 0) progress(`${(round + 1) * AT_ONCE} starts, ${tally.violations} violations`);
  }
  return tally.findings();
}

interface Racer {
  readonly child: ChildProcess;
  /** The end, or undefined as soon as it serves. */
  readonly outcome: Promise<{ readonly code: number | null; readonly complaint: string } | undefined>;
}

async function race(home: TemporaryDirectory, name: string, tally: Tally): Promise<readonly string[]> {
  const service = new Service({ kind: 'node', name, home, port: await stablePort() });
  const racers = Array.from({ length: AT_ONCE }, () => startRacer(service, home));
  try {
    const outcomes = await Promise.all(racers.map(({ outcome }) => outcome));
    const losers = outcomes.filter((outcome) => outcome !== undefined);
    const winner = racers[outcomes.indexOf(undefined)];
    tally.count('winners', AT_ONCE - losers.length);
    const problems = losers.flatMap(({ code, complaint }) =>
      code === 1 && /directory-locked|Another process uses/.test(complaint)
        ? []
        : [`a loser ended with ${code}: ${complaint}`],
    );
    if (losers.length !== AT_ONCE - 1) problems.push(`${AT_ONCE - losers.length} daemons serve`);
    return [...problems, ...(await wrongWith(service, winner?.child.pid))];
  } finally {
    await Promise.all(racers.map(({ child }) => ended(child)));
  }
}

function startRacer(service: Service, home: TemporaryDirectory): Racer {
  const args = [...service.command, '--log-format', 'json'];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], HOME: home.path, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const outcome = new Promise<Awaited<Racer['outcome']>>((resolve) => {
    const read = (bytes: Buffer): void => {
      output += bytes.toString();
      if (output.includes('"msg":"serving"')) resolve(undefined);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', (code) => resolve({ code, complaint: output.trim() }));
  });
  return { child, outcome };
}

/** The winner must not have been harmed by the losers: its files are its own, and it answers. */
async function wrongWith(service: Service, pid: number | undefined): Promise<readonly string[]> {
  const { description } = service;
  if (description?.pid !== pid) return [`service.json names process ${description?.pid}, not ${pid}`];
  await using admin = connect({ url: description?.url ?? '', token: service.adminToken });
  const { started_at: startedAt } = await admin.node.status();
  return startedAt === '' ? ['the winner does not answer'] : [];
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}
