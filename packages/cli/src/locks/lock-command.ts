import type { Lease, LockOptions, LockPlace, LockStanding } from '@holdfast/client';
import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { parseNumber } from '../option-values.ts';
import { withDaemon } from '../services.ts';
import { renderTable } from '../table.ts';
import { runUnderLock } from './run-under-lock.ts';

/** `holdfast lock`: what one at a time may do. */
export function lockCommand(): Command {
  const command = new Command('lock').description('Locks: take, renew and release them, or run a command under one.');
  command
    .addCommand(runCommand())
    .addCommand(acquireCommand())
    .addCommand(renewCommand())
    .addCommand(releaseCommand())
    .addCommand(listCommand());
  return withExamples(
    command,
    'lock run nightly:billing --network --wait 60 --agent billing -- ./close-the-books.sh',
    'lock acquire nightly:billing --ttl 300 --agent billing',
  );
}

interface PlaceFlags {
  readonly network?: true;
}

interface WishFlags extends PlaceFlags {
  readonly ttl?: string;
  readonly wait?: string;
}

function runCommand(): Command {
  const command = wishOptions(
    new Command('run')
      .description(
        'Run a command while the lock is held, renewed in the background, and release it then. Ends as the command ends, and with 1 when the lock is lost: the command is ended then.',
      )
      .argument('<name>', "the lock's name")
      .argument('<command...>', 'the command, after --; HOLDFAST_FENCE in its environment is for `put --fence`'),
  );
  withAction<WishFlags>(command, ({ args: [name = ''], options }) => {
    const [, ...line] = command.args;
    const work = (lock: Parameters<typeof runUnderLock>[0]): Promise<number> => runUnderLock(lock, line);
    return withDaemon(options, (holdfast) => holdfast.locks.with(name, wishOf(options), work));
  });
  return withExamples(command, 'lock run nightly:billing --network --agent billing -- ./close-the-books.sh');
}

function acquireCommand(): Command {
  const command = wishOptions(
    new Command('acquire')
      .description('Take a lock and go on: it is held until it is released, or its time is over.')
      .argument('<name>', "the lock's name"),
  );
  withAction<WishFlags>(command, async ({ args: [name = ''], options, output }) => {
    const lease = await withDaemon(options, (holdfast) => holdfast.locks.take(name, wishOf(options)));
    output.answer(lease, () => leaseText(lease));
  });
  return withExamples(command, 'lock acquire nightly:billing --ttl 300 --wait 10 --agent billing');
}

function renewCommand(): Command {
  const command = new Command('renew')
    .description('Begin a lease anew, as long as before unless told.')
    .argument('<lease>', 'as `lock acquire` gave it')
    .option('--ttl <seconds>', 'how long it is held from now on');
  withAction<{ readonly ttl?: string }>(command, async ({ args: [lease = ''], options, output }) => {
    const ttlSeconds = options.ttl === undefined ? undefined : parseNumber(options.ttl, '--ttl');
    const renewed = await withDaemon(options, (holdfast) => holdfast.locks.renew(lease, { ttlSeconds }));
    output.answer(renewed, () => leaseText(renewed));
  });
  return withExamples(command, 'lock renew "$lease" --agent billing');
}

function releaseCommand(): Command {
  const command = new Command('release')
    .description('End a lease: whoever waits first has the lock then.')
    .argument('<lease>', 'as `lock acquire` gave it');
  withAction<object>(command, async ({ args: [lease = ''], options, output }) => {
    await withDaemon(options, (holdfast) => holdfast.locks.release(lease));
    output.answer({ released: true }, () => 'released');
  });
  return withExamples(command, 'lock release "$lease" --agent billing');
}

function listCommand(): Command {
  const command = placeOption(new Command('list').description('The locks that are held, by name.'));
  withAction<PlaceFlags>(command, async ({ options, output }) => {
    const locks: LockStanding[] = [];
    await withDaemon(options, async (holdfast) => {
      for await (const lock of holdfast.locks.list(placeOf(options))) locks.push(lock);
    });
    output.answer({ locks }, () => (locks.length === 0 ? 'no locks are held' : lockTable(locks)));
  });
  return withExamples(command, 'lock list --network --agent billing');
}

function lockTable(locks: readonly LockStanding[]): string {
  const rows = locks.map(({ name, holder: { agent, node }, fence, remaining_seconds: seconds, waiting }) => [
    name,
    node === undefined ? agent : `${agent}@${node}`,
    String(fence),
    `${Math.ceil(seconds)} s`,
    String(waiting),
  ]);
  return renderTable(
    [
      { title: 'lock' },
      { title: 'holder' },
      { title: 'fence', align: 'right' },
      { title: 'at most', align: 'right' },
      { title: 'waiting', align: 'right' },
    ],
    rows,
  );
}

function leaseText({ name, lease, if_fence: ifFence, ttl_seconds: seconds }: Lease): string {
  return `"${name}" is held for ${seconds} s\nlease ${lease}\nfence ${ifFence}`;
}

function placeOption(command: Command): Command {
  return command.option('--network', 'a lock of the whole network, through the relay (default: of this node)');
}

function wishOptions(command: Command): Command {
  return placeOption(command)
    .option('--ttl <seconds>', 'how long it is held without being renewed (default: 30)')
    .option('--wait <seconds>', 'how long to wait while somebody else holds it, 60 at most (default: 0)');
}

function placeOf({ network }: PlaceFlags): LockPlace {
  return { scope: network === true ? 'network' : 'node' };
}

function wishOf({ ttl, wait, ...place }: WishFlags): LockOptions {
  return {
    ...placeOf(place),
    ttlSeconds: ttl === undefined ? undefined : parseNumber(ttl, '--ttl'),
    waitSeconds: wait === undefined ? undefined : parseNumber(wait, '--wait'),
  };
}
