import { CommandError } from './command-error.ts';

/** Parses JSON given on the command line. Throws CommandError (wrong usage) naming `place`. */
export function parseJsonOption(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(`${place} is not JSON`, `Quote it for the shell: ${place} '{"status":"active"}'.`, 2);
  }
}

/** Parses a whole number given on the command line. Throws CommandError (wrong usage) naming `place`. */
export function parseWholeNumber(text: string, place: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= 0) return number;
  throw new CommandError(`${place} must be a whole number, not "${text}"`, 'See the help of the command.', 2);
}

/** Parses a number given on the command line. Throws CommandError (wrong usage) naming `place`. */
export function parseNumber(text: string, place: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new CommandError(`${place} must be a number, not "${text}"`, 'See the help of the command.', 2);
}

/** Collects the values of an option that may be repeated, in their order. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
