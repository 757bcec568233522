import { existsSync } from 'node:fs';

import { connect, connectRelay, type ConnectionOptions } from '@holdfast/client';
import { Argument, Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { loadConfig } from '../config/load.ts';
import type { ServiceName } from '../config/locations.ts';
import { checkBackups } from '../doctor/backups.ts';
import { fail, type Finding, type Level, ok } from '../doctor/check.ts';
import { checkDirectory, checkDisk } from '../doctor/directory.ts';
import { checkNodeVersion, checkSqlite, checkUnit } from '../doctor/machine.ts';
import { checkRelayState } from '../doctor/relay.ts';
import { checkLink, checkReady } from '../doctor/service.ts';
import { checkStopped } from '../doctor/stopped.ts';
import { endpointToCall, findDataDirectory } from '../endpoint.ts';
import type { GlobalOptions } from '../global-options.ts';
import { paint, type Style } from '../output.ts';

/** Findings under the part of the machine they are about. */
type Findings = Readonly<Record<string, readonly Finding[]>>;

/** `holdfast doctor`. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('Check this machine and the services on it, and say what to do. Exit code 1 if anything failed.')
    .addArgument(new Argument('[service]', 'only this service').choices(['node', 'relay']));
  withAction<object>(command, async ({ args: [service], options, output }) => {
    const findings = await examine(await servicesToCheck(service, options), options);
    const isFailed = Object.values(findings).some((list) => list.some(({ level }) => level === 'fail'));
    output.answer({ ok: !isFailed, ...findings }, () => findingsText(findings));
    return isFailed ? 1 : 0;
  });
  return withExamples(command, 'doctor', 'doctor node --json');
}

/** The one that was named; else those that have a data directory here; else the node, which every machine has. */
async function servicesToCheck(named: string | undefined, options: GlobalOptions): Promise<readonly ServiceName[]> {
  if (named === 'node' || named === 'relay') return [named];
  const found: ServiceName[] = [];
  for (const service of ['node', 'relay'] as const) {
    const directory = await findDataDirectory(service, options, process.env).catch(() => undefined);
    if (directory === undefined || existsSync(directory)) found.push(service);
  }
  return found.length > 0 ? found : ['node'];
}

async function examine(services: readonly ServiceName[], options: GlobalOptions): Promise<Findings> {
  const findings: Record<string, readonly Finding[]> = { machine: [checkNodeVersion(), checkSqlite()] };
  for (const service of services) findings[service] = await examineService(service, options);
  return findings;
}

async function examineService(service: ServiceName, options: GlobalOptions): Promise<readonly Finding[]> {
  const configuration = checkConfiguration(service, options);
  const unit = await checkUnit(service);
  const units = unit === undefined ? [] : [unit];
  if (configuration.level === 'fail') return [configuration, ...units];
  const directory = await findDataDirectory(service, options, process.env);
  return [
    configuration,
    checkDirectory(directory),
    ...checkDisk(directory),
    ...units,
    ...(await examineProcess(service, options, directory)),
  ];
}

function checkConfiguration(service: ServiceName, options: GlobalOptions): Finding {
  try {
    const { file } = loadConfig(service, { flags: {}, file: options.config }, process.env);
    return ok('configuration', file ?? 'no file: defaults');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return fail('configuration', detail, `Correct it; \`holdfast config ${service}\` shows what is in force.`);
  }
}

async function examineProcess(
  service: ServiceName,
  options: GlobalOptions,
  directory: string,
): Promise<readonly Finding[]> {
  try {
    const { url, token } = await endpointToCall(service, options, process.env);
    const connection = { url, token, retries: 0 };
    const { isReached, findings } = await (service === 'relay' ? examineRelay(connection) : examineNode(connection));
    return isReached ? findings : [...findings, ...(await checkStopped(service, directory))];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [fail('service', error.message, error.remedy), ...(await checkStopped(service, directory))];
  }
}

interface Examined {
  readonly isReached: boolean;
  readonly findings: readonly Finding[];
}

async function examineNode(connection: ConnectionOptions): Promise<Examined> {
  await using holdfast = connect(connection);
  const { isReached, finding } = await checkReady(holdfast, 'holdfast node');
  if (!isReached) return { isReached, findings: [finding] };
  return { isReached, findings: [finding, ...(await checkLink(holdfast)), await checkBackups(holdfast.backups)] };
}

async function examineRelay(connection: ConnectionOptions): Promise<Examined> {
  await using relay = connectRelay(connection);
  const { isReached, finding } = await checkReady(relay, 'holdfast relay');
  if (!isReached) return { isReached, findings: [finding] };
  return { isReached, findings: [finding, ...(await checkRelayState(relay)), await checkBackups(relay.backups)] };
}

const marks: Readonly<Record<Level, readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
};

function findingsText(findings: Findings): string {
  return Object.entries(findings)
    .map(([part, list]) => [paint('bold', part), ...list.map(findingText)].join('\n'))
    .join('\n\n');
}

function findingText({ check, level, detail, remedy }: Finding): string {
  const [mark, style] = marks[level];
  const line = `  ${paint(style, mark)} ${check.padEnd(15)} ${detail}`;
  return remedy === '' ? line : `${line}\n    → ${remedy}`;
}
