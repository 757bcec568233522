import { join } from 'node:path';

import { type Injection, seededRandom, temporaryDirectory } from '@holdfast/testkit';

import { type FaultCase, type FaultPlan, type Findings, Tally } from '../fault-case.ts';
import { chosenPoints, sample } from './chosen-points.ts';
import { operations } from './operations.ts';
import { rehearse, type Rehearsal, type Trial, tryPoint } from './points.ts';

const WORKERS = 2;
const POINTS_OF_ALL = 50;
const OPERATIONS_OF_A_FEW = 2;

type Fault = Omit<Injection, 'at' | 'calls'>;

/** The process dies before each single call that changes the disk, one after the other. */
export const crashPoints: FaultCase = {
  name: 'crash-points',
  promise: 'a crash at any call of any changing operation leaves what was answered, and no half of anything',
  full: 'all',
  slice: 8,
  needs: ['strace'],
  run: (plan) => tryPoints(plan, [{ effect: 'kill' }]),
};

/** Each single call that changes the disk fails: once, and for ever from then on. */
export const errorPoints: FaultCase = {
  name: 'error-points',
  promise: 'an I/O error at any call of any changing operation leaves what was answered, and no half of anything',
  full: 'all',
  slice: 8,
  needs: ['strace'],
  run: (plan) =>
    tryPoints(plan, [
      { effect: 'EIO' },
      { effect: 'EIO', forEver: true },
      { effect: 'ENOSPC' },
      { effect: 'ENOSPC', forEver: true },
    ]),
};

interface Point {
  readonly rehearsal: Rehearsal;
  readonly injection: Injection;
}

async function tryPoints(plan: FaultPlan, faults: readonly Fault[]): Promise<Findings> {
  const { cases, seed, progress } = plan;
  await using place = await temporaryDirectory();
  const tally = new Tally();
  const points: Point[] = [];
  const random = seededRandom(seed);
  // A few points are of a few operations: to rehearse them all would take longer than to try the points.
  const tried = cases < POINTS_OF_ALL ? sample(operations, OPERATIONS_OF_A_FEW, random) : operations;
  for (const operation of tried) {
    const rehearsal = await rehearse(operation, place.file(operation.kind + points.length));
    const found = [...rehearsal.calls].flatMap(([call, count]) =>
      Array.from({ length: count }, (_, index) => ({ calls: [call], at: index + 1 })),
    );
    points.push(...found.flatMap((point) => faults.map((fault) => ({ rehearsal, injection: { ...fault, ...point } }))));
    tally.note(`points of ${operation.name}`, found.length * faults.length);
  }
  const chosen = chosenPoints(points, plan, random);
  const waiting = [...chosen];
  const work = async (worker: number): Promise<void> => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      note(tally, point, await tryPoint(point.rehearsal, point.injection, join(place.path, `worker-${worker}`)));
      if (waiting.length % 100 === 0) progress(`${waiting.length} points left, ${tally.violations} violations`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  tally.note('points tried', chosen.length);
  return tally.findings();
}

function note(tally: Tally, { rehearsal, injection }: Point, { fired, problems }: Trial): void {
  const { effect, forEver = false, at, calls } = injection;
  const name = `${effect}${forEver ? ' for ever' : ''}`;
  tally.fire(name, fired ? 1 : 0);
  tally.violate(`${rehearsal.operation.name}, ${name} at ${calls?.join()} ${at}`, problems);
}
