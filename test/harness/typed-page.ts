import { holdfastMain } from './service.ts';
import { runToEnd, type RunOptions } from './run-to-end.ts';

/** A command that a page of the documentation tells to type, and what it says that answers, if it says so. */
export interface Typed {
  readonly command: string;
  readonly answer: string | undefined;
}

/** What a page tells to type: its shell blocks, each with the block of text that follows it. */
export function typedOn(page: string): Typed[] {
  return [...page.matchAll(/^```sh\n(?<command>.+?)^```(?:\n\n```text\n(?<answer>.+?)^```)?/gms)].map(({ groups }) => ({
    command: groups?.['command'] ?? '',
    answer: groups?.['answer'],
  }));
}

/** Types it, in a shell of its own, with `holdfast` being this checkout's; gives what it answers, in lines as a page has them. */
export async function typeIt({ command }: Typed, options: RunOptions): Promise<string> {
  const asShell = `holdfast() { '${process.execPath}' '${holdfastMain}' "$@"; }\n`;
  const answer = await runToEnd('/bin/sh', ['-uc', asShell + command], options);
  return answer.replaceAll('\r\n', '\n');
}
