import { writeSync } from 'node:fs';
import { join } from 'node:path';

import { isHoldfastError } from '@holdfast/protocol';

import { operations } from './operations.ts';

// Carries out one operation on a file, step by step, and says after each that it was answered. Stops at the first step
// that fails, as a service would, or after as many steps as it is told to. What is said goes out at once: it may be killed
// at any moment.

const [name = '', directory = '', steps = ''] = process.argv.slice(2);
const operation = operations.find((one) => one.name === name);
if (operation === undefined) throw new Error(`no operation ${name}`);
try {
  const session = operation.open(join(directory, operation.file));
  const wanted = session.steps.slice(0, steps === '' ? undefined : Number(steps));
  for (const step of wanted) {
    await step();
    writeSync(1, 'answered\n');
  }
  await session.close();
} catch (error) {
  writeSync(2, `${isHoldfastError(error) ? error.code : String(error)}\n`);
  process.exitCode = 1;
}
