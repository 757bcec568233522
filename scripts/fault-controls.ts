// The negative controls of the fault cases: `npm run test:fault-controls -- [--scale FRACTION] [--seed N] [--json FILE]`. Each takes one defence out of a
// copy of the workspace and runs the case that is there for it, which must find promises broken.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { copyWorkspace } from './canaries/copy.ts';
import { type FaultControl, faultControls, isPossible } from './canaries/faults.ts';

process.exitCode = await main();

/** Gives the exit code: 0 every control broke something, 1 one did not or could not be tried. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { scale: { type: 'string', default: '1' }, seed: { type: 'string' }, json: { type: 'string' } },
  });
  const blind: string[] = [];
  for (const control of faultControls) {
    console.log(`\nwithout a defence: ${control.violation}`);
    if (!isPossible(control)) console.log(`SKIPPED ${control.faultCase}: it needs root`);
    const isRed = isPossible(control) && (await breaksWithout(control, values));
    if (!isRed) blind.push(control.faultCase);
  }
  console.log(blind.length === 0 ? '\nevery control was noticed' : `\nNOT noticed: ${blind.join(', ')}`);
  return blind.length === 0 ? 0 : 1;
}

interface Wish {
  readonly scale: string;
  readonly seed?: string | undefined;
  readonly json?: string | undefined;
}

async function breaksWithout(control: FaultControl, { scale, seed, json }: Wish): Promise<boolean> {
  using copy = await copyWorkspace(dirname(import.meta.dirname), { files: 'all' });
  control.takeOut(copy);
  const cases = String(Math.max(1, Math.round(control.cases * Number(scale))));
  const further = [...(seed === undefined ? [] : ['--seed', seed]), ...(json === undefined ? [] : ['--json', json])];
  const args = [join(copy.root, 'test/faults/main.ts'), '--only', control.faultCase, '--cases', cases, ...further];
  const child = spawn(process.execPath, args, { cwd: copy.root, stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 1;
}
