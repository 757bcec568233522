// Runs a task of this workspace on the Node it was built for, whatever Node called it (20 or newer).
//
// The first call installs what pnpm-lock.yaml lists; afterwards a stamp shows that nothing is missing and the task
// starts at once. Arguments, signals, standard streams and the exit code pass through.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.holdfast-stamp');
const lock = join(root, '.holdfast', 'install.lock');
const node = join(root, 'node_modules', 'node', 'bin', 'node');
const main = 'packages/cli/src/main.mjs';

/** Each task: what it is for, what runs on our Node, and in which folder (the root if none is named). */
const tasks = {
  setup: { help: 'install what is missing and stop', command: [] },
  demo: { help: 'a relay, two nodes, several agents and what can go wrong, in under 90 s', command: [main, 'demo'] },
  test: { help: 'all tests; arguments go to vitest', command: ['node_modules/vitest/vitest.mjs', 'run'] },
  'test:faults': { help: 'faults on real processes, at length; see `--help`', command: ['test/faults/main.ts'] },
  'test:fault-controls': {
    help: 'the same with a defence taken out: each must be noticed',
    command: ['scripts/fault-controls.ts'],
  },
  'test:sim': {
    help: 'simulated worlds, many: `-- --seeds 10000`, `-- --seed N --trace`',
    command: ['test/simulation/main.ts'],
  },
  check: { help: 'the whole gate; see `check --help`', command: ['scripts/check.ts'] },
  bench: { help: 'the performance table; see `bench --help`', command: [main, 'bench'] },
  docs: { help: 'write generated pages, configuration files and schemas', command: ['scripts/docs.ts'] },
  format: { help: 'format the files named, or all', command: ['node_modules/oxfmt/bin/oxfmt'] },
  cli: { help: 'the holdfast command', command: [main], cwd: process.cwd() },
};

const [name = '--help', ...args] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
process.exitCode = await start();

/** Gives the exit code. */
async function start() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    return fail(`Node 20 or newer is needed, not ${process.version}`);
  if (task === undefined && name === '--help') return console.log(usage());
  if (task === undefined) return fail(`no task "${name}"\n${usage()}`, 2);
  if (!(await install())) return 1;
  return task.command.length === 0 ? 0 : run(task);
}

function usage() {
  const lines = Object.entries(tasks).map(([key, { help }]) => `  ${key.padEnd(21)}${help}`);
  return ['node scripts/run.mjs <task> [arguments]', '', ...lines].join('\n');
}

function fail(message, code = 1) {
  console.error(`holdfast: ${message}`);
  return code;
}

/** Runs a task to its end; one that was killed gives 128 and the signal's number, as a shell would. */
async function run({ command: [entry, ...given], cwd = root }) {
  const child = spawn(node, [join(root, entry), ...given, ...args], { cwd, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child as well; twice would mean "stop at once" to a service.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  return ended(child);
}

async function ended(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** Installs unless the stamp says that what is there fits. One process installs at a time. Whether all is there. */
async function install() {
  if (isInstalled()) return true;
  await takeLock();
  try {
    return isInstalled() || (await runInstaller());
  } finally {
    rmSync(lock, { force: true });
  }
}

function isInstalled() {
  if (!existsSync(stamp) || !existsSync(node) || readFileSync(stamp, 'utf8') !== fingerprint()) return false;
  // scripts/holdfast compares times, not contents: a fresh time says that the contents still fit.
  const now = new Date();
  utimesSync(stamp, now, now);
  return true;
}

/** Hash of all that decides what gets installed, and for which kind of machine. */
function fingerprint() {
  const packages = readdirSync(join(root, 'packages')).map((folder) => `packages/${folder}/package.json`);
  const others = ['package.json', 'examples/package.json', 'test/package.json'];
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...others, ...packages.toSorted()];
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of files) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`\n${file}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

async function runInstaller() {
  const wanted = fingerprint();
  const startedAt = Date.now();
  process.stderr.write('holdfast: installing what is missing, about 10 s … ');
  // CI=true: pnpm asks no questions.
  const installer = spawn('npx', ['-y', 'pnpm@12', 'install', '--frozen-lockfile'], {
    cwd: root,
    env: { ...process.env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  for (const stream of [installer.stdout, installer.stderr]) stream.on('data', (chunk) => output.push(chunk));
  if ((await ended(installer)) !== 0) {
    process.stderr.write(`failed\n${Buffer.concat(output).toString()}\n`);
    fail('if dependencies were changed here, write the lock file anew: npx -y pnpm@12 install');
    return false;
  }
  writeFileSync(stamp, wanted);
  process.stderr.write(`done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`);
  return true;
}

/** Waits for the lock. It holds its owner's process id; that of a process gone counts for nothing. */
async function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      return writeFileSync(lock, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isLockStale()) rmSync(lock, { force: true });
    else await sleep(200);
  }
}

function isLockStale() {
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    if (owner === 0) return Date.now() - statSync(lock).mtimeMs > 5000;
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
