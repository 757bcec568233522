import { statSync } from 'node:fs';
import { join } from 'node:path';

import { runCheck } from '@holdfast/store';

import type { ServiceName } from '../config/locations.ts';
import { sizeText } from '../wording.ts';
import { fail, type Finding, ok, warn } from './check.ts';

/** A larger database takes minutes: it is left to the background check. */
const LARGEST_BYTES = 1_000_000_000;

/** Whether the own database of a service that does not answer is sound, read whole; nothing where there is none. */
export async function checkStopped(service: ServiceName, directory: string): Promise<readonly Finding[]> {
  const path = join(directory, `${service}.db`);
  const bytes = statSync(path, { throwIfNoEntry: false })?.size;
  if (bytes === undefined) return [];
  if (bytes > LARGEST_BYTES) return [ok('database', `${path}, ${sizeText(bytes)}: too large to be checked here`)];
  const { state, problems, error } = await runCheck(path, service, { skipsDerived: true });
  if (state === 'sound') return [ok('database', `${path} is sound`)];
  const found = problems.map(({ detail }) => detail).join('; ');
  return state === 'damaged'
    ? [fail('database', `${path} is damaged: ${found}`, remedyFor(service))]
    : [warn('database', `${path} could not be checked: ${error ?? 'no reason given'}`, 'Run this as its owner.')];
}

function remedyFor(service: ServiceName): string {
  return `Copy the data directory away, then put a backup back: holdfast restore ${service}`;
}
