import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

/** How a service logs, as configured. */
export interface LogConfig {
  readonly 'log.level': string;
  readonly 'log.format': string;
}

/** Where log lines go. */
export interface LogStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** Names under which secrets and documents might be logged by mistake; each is replaced at the top and one level down. */
const forbidden = ['authorization', 'token', 'secret', 'doc', 'docs', 'document', 'body', 'headers'];

/**
 * The log of a service, on stdout: lines for people on a terminal, JSON otherwise, or as `log.format` says. Secrets
 * and documents are never logged; should one be handed over under one of its usual names, it shows as `***`.
 */
export function makeLog(config: LogConfig, stream: LogStream = process.stdout): Logger {
  const options = {
    level: config['log.level'],
    redact: { paths: forbidden.flatMap((name) => [name, `*.${name}`]), censor: '***' },
  };
  const isPretty = config['log.format'] === 'pretty' || (config['log.format'] === 'auto' && stream.isTTY === true);
  if (!isPretty) return pino(options, stream);
  const colorize = stream.isTTY === true && !process.env['NO_COLOR'];
  return pino(
    options,
    pretty({ destination: stream, colorize, sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' }),
  );
}
