import type { PutOptions } from '@holdfast/client';
import { type Command, Option } from 'commander';

import { parseWholeNumber } from './option-values.ts';

/** The options of commands that write one thing under a name. */
export interface PutFlags {
  readonly ttl?: string;
  readonly ifMatch?: string;
  readonly new?: true;
  readonly fence?: string;
  readonly ack?: 'local' | 'relay';
  readonly timeout?: string;
}

/** Adds them; `what` is written. */
export function withPutFlags(command: Command, what: string): void {
  command
    .option('--ttl <seconds>', `forget the ${what} after this time`)
    .option('--if-match <version>', `write only if the ${what} has this version`)
    .option('--new', `write only if there is no ${what}`)
    .option('--fence <fence>', 'write only if no later holder of the lock did; as `lock acquire` gave it')
    .addOption(new Option('--ack <where>', 'what to wait for').choices(['local', 'relay']))
    .option('--timeout <seconds>', 'longest wait for the relay, with --ack relay (default: 2)');
}

/** What they ask for. Throws `invalid-request` for what is no number. */
export function putOptions(flags: PutFlags): PutOptions {
  return {
    ttl: flags.ttl === undefined ? undefined : parseWholeNumber(flags.ttl, '--ttl'),
    ifMatch: flags.ifMatch,
    ifNoneMatch: flags.new ? '*' : undefined,
    ifFence: flags.fence,
    ack: flags.ack,
    timeout: flags.timeout === undefined ? undefined : parseWholeNumber(flags.timeout, '--timeout'),
  };
}

/** How far a write has come, in words. */
export function ackText(ack: 'local' | 'relay'): string {
  return ack === 'relay' ? 'safe here and on the relay' : 'safe on this machine';
}
