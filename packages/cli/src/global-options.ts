import type { Command } from 'commander';

/** Options every command understands, before or after its name. */
export interface GlobalOptions {
  /** Answer in JSON on stdout, failures in JSON on stderr. */
  readonly json?: true;
  /** Act for this agent; needs the admin token. */
  readonly agent?: string;
  /** Act within this resource. */
  readonly resource?: string;
  /** Address of the service; default: the one that runs here. */
  readonly url?: string;
  /** File that holds the token. */
  readonly tokenFile?: string;
  /** The service's data directory. */
  readonly dataDir?: string;
  /** The service's configuration file. */
  readonly config?: string;
}

/** Declares the global options on the program. */
export function addGlobalOptions(program: Command): Command {
  return program
    .option('--json', 'answer in JSON')
    .option('--agent <name>', 'act for this agent (needs the admin token)')
    .option('--resource <resource>', 'act within this resource, such as app:user_123')
    .option('--url <url>', 'address of the service (default: the one that runs here)')
    .option('--token-file <file>', 'file that holds the token (default: admin.token in the data directory)')
    .option('--data-dir <directory>', "the service's data directory")
    .option('--config <file>', "the service's configuration file");
}
