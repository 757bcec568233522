import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { connect } from '@holdfast/client';
import {
  injectedTimes,
  type Injection,
  seededRandom,
  straceCommand,
  temporaryDirectory,
  type TemporaryDirectory,
} from '@holdfast/testkit';

import { holdfastMain, Service } from '../../harness/service.ts';
import { stablePort } from '../../harness/stable-port.ts';
import { putInPlace } from '../copies/put-in-place.ts';
import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { chosenPoints } from '../points/chosen-points.ts';
import { countCalls } from '../points/count-calls.ts';
import { dumpRows } from '../points/dump.ts';

const FAULTS: readonly Omit<Injection, 'at' | 'calls'>[] = [
  { effect: 'kill' },
  { effect: 'EIO' },
  { effect: 'ENOSPC', forEver: true },
];
/** A point no command comes to: strace counts no further. */
const NEVER = 65_535;
const LIMIT_MS = 120_000;

/** A crash, an I/O error and a full disk at each call by which `holdfast backup` and `holdfast restore` change the disk. */
export const backupPoints: FaultCase = {
  name: 'backup-points',
  promise: 'a backup or restore that meets a fault harms nothing that was there, and the next one succeeds',
  full: 'all',
  slice: 2,
  needs: ['strace'],
  run: tryPoints,
};

/** A node that was stopped: with a backup, and with what was written since then. */
interface Scene {
  readonly home: TemporaryDirectory;
  readonly service: Service;
  readonly template: string;
  readonly atBackup: string;
  readonly now: string;
}

interface Point {
  readonly command: 'backup' | 'restore';
  readonly injection: Injection;
}

async function tryPoints(plan: FaultPlan): Promise<Findings> {
  const { seed, progress } = plan;
  await using home = await temporaryDirectory();
  const tally = new Tally();
  const random = seededRandom(seed);
  const scene = await makeScene(home);
  const points: Point[] = [];
  for (const command of ['backup', 'restore'] as const) {
    const found = await pointsOf(scene, command);
    tally.note(`points of ${command}`, found.length);
    points.push(...found);
  }
  const chosen = chosenPoints(points, plan, random);
  for (const [index, point] of chosen.entries()) {
    await tryPoint(scene, point, tally);
    if ((index + 1) % 20 === 0) progress(`${index + 1} of ${chosen.length} points, ${tally.violations} violations`);
  }
  tally.note('points tried', chosen.length);
  return tally.findings();
}

async function makeScene(home: TemporaryDirectory): Promise<Scene> {
  const service = new Service({ kind: 'node', name: 'node', home, port: await stablePort() });
  await service.start();
  await using admin = connect({ url: service.url, token: service.adminToken });
  const { token } = await admin.agents.create('ada');
  await using agent = connect({ url: service.url, token });
  await agent.collection('notes').put('before', { n: 1, text: 'x'.repeat(20_000) });
  await service.end('SIGTERM');
  expectDone(await run(home, [...commandOf(service, 'backup')]));
  const atBackup = stateOf(service.directory);
  await service.start();
  await agent.collection('notes').put('after', { n: 2 });
  await service.end('SIGTERM');
  const now = stateOf(service.directory);
  const template = home.file('template');
  await putInPlace(service.directory, template);
  return { home, service, template, atBackup, now };
}

/** Each call of a command that is carried out without a fault, with each fault. */
async function pointsOf(scene: Scene, command: Point['command']): Promise<readonly Point[]> {
  const log = scene.home.file('calls.log');
  // Node keeps what it compiled: a first run writes that down too, and no later one does.
  await putInPlace(scene.template, scene.service.directory);
  expectDone(await run(scene.home, commandOf(scene.service, command)));
  await putInPlace(scene.template, scene.service.directory);
  const under = straceCommand({ effect: 'kill', at: NEVER }, log);
  expectDone(await run(scene.home, [...under, ...commandOf(scene.service, command)]));
  return [...countCalls(readFileSync(log, 'utf8'))].flatMap(([call, count]) =>
    Array.from({ length: count }, (_, index) => ({ at: index + 1, calls: [call] })).flatMap((point) =>
      FAULTS.map((fault): Point => ({ command, injection: { ...fault, ...point } })),
    ),
  );
}

async function tryPoint(scene: Scene, { command, injection }: Point, tally: Tally): Promise<void> {
  const { home, service, template, atBackup, now } = scene;
  const log = home.file('calls.log');
  await putInPlace(template, service.directory);
  await run(home, [...straceCommand(injection, log), ...commandOf(service, command)]);
  tally.fire(`${injection.effect} during ${command}`, injectedTimes(readFileSync(log, 'utf8')) > 0 ? 1 : 0);
  const broken: string[] = [];
  // What was there before is in its place or set aside, after the fault and after the command that succeeds.
  if (!statesUnder(service.directory).includes(now)) broken.push('what was there is gone after the fault');
  const again = await run(home, [...commandOf(service, command)]);
  if (again.status !== 0) broken.push(`it cannot be done afterwards: ${again.output}`);
  else if (stateOf(service.directory) !== (command === 'backup' ? now : atBackup))
    broken.push('the state is another one');
  if (!statesUnder(service.directory).includes(now)) broken.push('what was there is gone');
  const verified = await run(home, [...commandOf(service, 'backup'), 'verify']);
  if (verified.status !== 0) broken.push(`a backup cannot be restored any more: ${verified.output}`);
  const { effect, at, calls } = injection;
  tally.violate(`${command}, ${effect} at ${calls?.join()} ${at}`, broken);
}

function commandOf({ place }: Service, command: Point['command']): readonly string[] {
  return [process.execPath, holdfastMain, command, ...(command === 'restore' ? ['node'] : []), ...place];
}

/** All rows of the agent's file. */
function stateOf(directory: string): string {
  return dumpRows(join(directory, 'agents', 'ada.db'), []);
}

/** The same of every copy of it in a directory: in its place or set aside. */
function statesUnder(directory: string): readonly string[] {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const copies = files.filter((file) => file.endsWith('ada.db'));
  return copies.map((file) => dumpRows(join(directory, file), []));
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Calls are counted in each thread by itself: Node gets one thread for its files. */
async function run(home: TemporaryDirectory, [program = '', ...args]: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: home.path, NO_COLOR: '1', UV_THREADPOOL_SIZE: '1' };
  const child = spawn(program, args, { env, timeout: LIMIT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, output: (stdout + stderr).trim() };
}

function expectDone({ status, output }: Ended): void {
  if (status !== 0) throw new Error(`a command failed without a fault: ${output}`);
}
