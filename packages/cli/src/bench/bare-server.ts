import { CommandError } from '../command-error.ts';
import { type BenchProcess, processScript, type Surroundings } from './surroundings.ts';

/** The reference server in its process. */
export interface BareServer {
  readonly process: BenchProcess;
  readonly url: string;
}

/** Starts the reference of the single-record figures; `answerBytes`: of its answer to a POST. Throws CommandError where Hono is not installed. */
export async function startBareServer(surroundings: Surroundings, answerBytes = 0): Promise<BareServer> {
  const process_ = surroundings.start(process.execPath, [processScript('bare-server'), String(answerBytes)]);
  const url = await process_.firstLine;
  if (!url.startsWith('http://')) throw new CommandError(`the reference server said "${url}"`, 'Nothing was measured.');
  return { process: process_, url };
}
