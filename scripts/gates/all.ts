import { boundaries } from './boundaries.ts';
import { cycles } from './cycles.ts';
import { deadCode } from './dead-code.ts';
import { format } from './format.ts';
import type { Gate } from './gate.ts';
import { generatedDocs, schema } from './generated.ts';
import { invariants } from './invariants.ts';
import { links } from './links.ts';
import { lint } from './lint.ts';
import { prose } from './prose.ts';
import { testNames } from './test-names.ts';
import { tests } from './tests.ts';
import { types } from './types.ts';

/** Every gate but the canaries, which are about these. */
export const gates: readonly Gate[] = [
  format,
  lint,
  types,
  boundaries,
  cycles,
  deadCode,
  prose,
  links,
  testNames,
  schema,
  generatedDocs,
  invariants,
  tests,
];
