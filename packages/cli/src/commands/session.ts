import type { EndedSessions } from '@holdfast/client';
import { isJsonObject, type JsonObject, type Session } from '@holdfast/protocol';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { CommandError } from '../command-error.ts';
import { readInput } from '../input.ts';
import { readJson } from '../json-input.ts';
import { parseWholeNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { plainTable } from '../table.ts';
import { countOf, NOTHING } from '../wording.ts';

/** `holdfast session`: users' standing with an agent. */
export function sessionCommand(): Command {
  const command = new Command('session').description(
    "Users' sessions: begin, check, change and end them. Keys are read from a file or stdin, never from the command line.",
  );
  command
    .addCommand(createCommand())
    .addCommand(checkCommand())
    .addCommand(changeCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
  return withExamples(
    command,
    'session create ada --agent portal > key',
    'session check --key-file key --agent portal',
    'session revoke --user ada --agent portal',
  );
}

interface CreateFlags {
  readonly data?: string;
  readonly address?: string;
  readonly userAgent?: string;
  readonly lifetime?: string;
  readonly fixed?: true;
}

function createCommand(): Command {
  const command = new Command('create')
    .description('Begin a session and print its key, which nobody can find out later.')
    .argument('<user>', 'whose session it is')
    .option('--data <json>', 'what is to be kept with it, as JSON or @file')
    .option('--address <address>', 'where the user calls from')
    .option('--user-agent <text>', 'the program the user calls with')
    .option('--lifetime <seconds>', 'how long it lasts (default: 3600)')
    .option('--fixed', 'checks do not make it last longer');
  withAction<CreateFlags>(command, async ({ args: [user = ''], options, output }) => {
    const { data, address, userAgent, lifetime, fixed } = options;
    const wished = {
      user,
      data: data === undefined ? undefined : await readData(data),
      address,
      userAgent,
      kind: fixed === true ? ('fixed' as const) : undefined,
      lifetimeSeconds: lifetime === undefined ? undefined : parseWholeNumber(lifetime, '--lifetime'),
    };
    const session = await withDaemon(options, (holdfast) => holdfast.sessions.create(wished));
    output.answer(session, () => session.key);
  });
  return withExamples(command, `session create ada --data '{"theme":"dark"}' --agent portal > key`);
}

interface KeyFlags {
  readonly keyFile?: string;
}

const KEY_FILE = ['--key-file <file>', 'file that holds the key (default: stdin)'] as const;

function checkCommand(): Command {
  const command = new Command('check')
    .description(
      'Show the session of a key, which lasts longer from now on unless it is fixed. Ends with 1 if it has ended.',
    )
    .option(...KEY_FILE);
  withAction<KeyFlags>(command, async ({ options, output }) => {
    const key = await readKey(options);
    const session = await withDaemon(options, (holdfast) => holdfast.sessions.check(key));
    output.answer({ session: session ?? null }, () => (session === undefined ? ENDED : sessionText(session)));
    return session === undefined ? 1 : 0;
  });
  return withExamples(command, 'session check --key-file key --agent portal');
}

function changeCommand(): Command {
  const command = new Command('change')
    .description('Change parts of what is kept with a session: null removes. Ends with 1 if it has ended.')
    .argument('<data>', 'a merge patch, as JSON or @file')
    .option(...KEY_FILE);
  withAction<KeyFlags>(command, async ({ args: [patch], options, output }) => {
    const data = await readData(patch);
    const key = await readKey(options);
    const session = await withDaemon(options, (holdfast) => holdfast.sessions.change(key, data));
    output.answer({ session: session ?? null }, () => (session === undefined ? ENDED : sessionText(session)));
    return session === undefined ? 1 : 0;
  });
  return withExamples(command, `session change '{"theme":"light"}' --key-file key --agent portal`);
}

function listCommand(): Command {
  const command = new Command('list')
    .description("A user's sessions, the oldest first.")
    .argument('<user>', 'whose sessions');
  withAction<object>(command, async ({ args: [user = ''], options, output }) => {
    const sessions = await withDaemon(options, async (holdfast) => {
      const found: Session[] = [];
      for await (const session of holdfast.sessions.list(user)) found.push(session);
      return found;
    });
    output.answer({ sessions }, () => listText(sessions));
  });
  return withExamples(command, 'session list ada --agent portal');
}

interface RevokeFlags extends KeyFlags {
  readonly id?: string;
  readonly user?: string;
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('End one session at once, or all of a user.')
    .option('--id <id>', 'the one that `session list` shows so')
    .option('--user <user>', 'all of this user')
    .option(...KEY_FILE);
  withAction<RevokeFlags>(command, async ({ options, output }) => {
    const which = await revocation(options);
    const revoked = await withDaemon(options, (holdfast) => holdfast.sessions.revoke(which));
    output.answer({ revoked }, () => `${countOf(revoked, 'session')} ended`);
  });
  return withExamples(command, 'session revoke --user ada --agent portal');
}

async function revocation({ id, user, ...flags }: RevokeFlags): Promise<EndedSessions> {
  if ([id, user, flags.keyFile].filter((each) => each !== undefined).length > 1)
    throw new CommandError('more than one session is named', 'Name one of --id, --user and --key-file.', 2);
  if (id !== undefined) return { id };
  return user === undefined ? { key: await readKey(flags) } : { user };
}

async function readKey({ keyFile }: KeyFlags): Promise<string> {
  return (await readInput(keyFile === undefined ? undefined : `@${keyFile}`, 'the key')).trim();
}

async function readData(text: string | undefined): Promise<JsonObject> {
  const data = await readJson(text, 'the data');
  if (isJsonObject(data)) return data;
  throw new CommandError('what is kept with a session is a JSON object', 'Give one, such as \'{"theme":"dark"}\'.', 2);
}

const ENDED = 'no session has this key now';

function sessionText({ id, user, kind, data, expires_at: expiresAt }: Session): string {
  return `session of ${user}, ${kind}, until ${expiresAt}\nid ${id}\n${JSON.stringify(data, null, 2)}`;
}

function listText(sessions: readonly Session[]): string {
  if (sessions.length === 0) return 'no sessions';
  const rows = sessions.map(({ id, kind, started_at: startedAt, expires_at: expiresAt, address }) => [
    id,
    kind,
    startedAt,
    expiresAt,
    address ?? NOTHING,
  ]);
  return plainTable(['session', 'kind', 'started', 'ends', 'address'], rows);
}
