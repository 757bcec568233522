import { CommandError } from './command-error.ts';
import { readSecretFile } from './endpoint.ts';
import { readInput } from './input.ts';

/** The join token a command was given: as an argument, on stdin (`-` or none) or in a file. Throws `CommandError`. */
export async function joinTokenOf(
  argument: string | undefined,
  { joinTokenFile }: { readonly joinTokenFile?: string },
): Promise<string> {
  const token =
    joinTokenFile === undefined ? (await readInput(argument, 'the join token')).trim() : readSecretFile(joinTokenFile);
  if (token === '')
    throw new CommandError('the join token is empty', 'Make one with `holdfast invite` on the relay.', 2);
  return token;
}
