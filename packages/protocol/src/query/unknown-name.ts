import { didYouMean } from '../nearest.ts';

/** What zod is told about an object's keys, so that an unknown one is answered with the nearest that there is. */
interface NamedKeys {
  readonly error: (issue: { readonly code?: string; readonly keys?: unknown }) => string | undefined;
}

/** Words for keys that a strict object does not know; `what` they are no ... of: "comparison", "metric". */
export function namedKeys(what: string, known: readonly string[]): NamedKeys {
  return {
    error: ({ code, keys }) => (code === 'unrecognized_keys' ? unknown(what, keys as string[], known) : undefined),
  };
}

function unknown(what: string, names: readonly string[], known: readonly string[]): string {
  const [first = ''] = names;
  const quoted = names.map((name) => `"${name}"`).join(', ');
  return `no ${what} is called ${quoted}: there are ${known.join(', ')}${didYouMean(first, known)}`;
}
