import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { renderConfigFile } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

import { commands } from '../src/commands.ts';
import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

const subcommands = [
  'agent create',
  'agent list',
  'agent token',
  'agent revoke',
  'token create',
  'dead-letters list',
  'dead-letters show',
  'dead-letters retry',
  'dead-letters drop',
  'import chats',
  'channel publish',
  'channel listen',
  'channel who',
];

const names = [...commands.map(({ name }) => name), ...subcommands];

describe('help', () => {
  test.each(names)('holdfast %s --help explains the command and ends with 0', async (name) => {
    const { exitCode, stdout, stderr } = await runHoldfast([...name.split(' '), '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`Usage: holdfast ${name}`);
    expect(stdout).toContain('--json');
    expect(stdout).toMatch(/^Examples?:\n {2}\$ holdfast /m);
  });

  test('holdfast --help lists every command with its summary', async () => {
    const { exitCode, stdout } = await runHoldfast(['--help']);
    expect(exitCode).toBe(0);
    for (const { name, summary } of commands)
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20)}`, 'm'));
  });

  test('every configuration key of a service has its flag', async () => {
    const { stdout } = await runHoldfast(['node', '--help']);
    expect(stdout).toContain('--sync-linger-milliseconds <value>');
    expect(stdout).toContain('--data-dir <directory>');
  });
});

describe('wrong usage', () => {
  test('a place without durable messages ends with 2 and says why', async () => {
    const { exitCode, stderr } = await runHoldfast(['channel', 'listen', 'news', '--from', 'now']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--from goes with --durable');
  });

  test('an unknown command ends with 2 and suggests the near one', async () => {
    const { exitCode, stdout, stderr } = await runHoldfast(['staus']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Did you mean status?');
  });

  test('no command at all shows the help on stderr and ends with 2', async () => {
    const { exitCode, stdout, stderr } = await runHoldfast([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: holdfast');
  });

  test.each([
    ['a missing argument', ['get', 'candidates']],
    ['an unknown option', ['get', 'candidates', 'c-1', '--verbose']],
    ['a where that is not JSON', ['query', 'candidates', '--where', '{status:active}']],
    ['a limit that is no number', ['query', 'candidates', '--limit', 'many']],
    ['an order without a known direction', ['query', 'candidates', '--order', 'age:down']],
    ['a query without a collection', ['query']],
    ['an unknown role', ['token', 'create', '--role', 'root', '--name', 'ada']],
    ['an unknown service', ['init', 'daemon']],
    ['a dead letter of a node without its agent', ['dead-letters', 'drop', '12']],
    ['an empty join token', ['join', '--relay', 'http://127.0.0.1:9', '--name', 'workstation', '-']],
  ])('%s ends with 2 and says what to do', async (_case, args) => {
    const { exitCode, stdout, stderr } = await runHoldfast(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .+\n(.+\n)* {2}→ .+\n$/);
  });

  test('with --json the failure is JSON on stderr', async () => {
    const { exitCode, stderr } = await runHoldfast(['get', 'candidates', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'usage', title: "missing required argument 'id'", remedy: expect.stringContaining('--help') },
    });
  });
});

describe('a reader that is gone', () => {
  test('of the answer does not turn a failure into a success', async () => {
    await inTemporaryDirectory(async (directory) => {
      const args = ['doctor', 'node', '--data-dir', join(directory, 'nowhere')];
      const [read, unread] = await Promise.all([runHoldfast(args), runHoldfast(args, { unread: 'stdout' })]);
      expect(read.exitCode).toBe(1);
      expect(unread).toEqual({ exitCode: 1, stdout: '', stderr: '' });
    });
  });

  test('of the failures leaves the exit code as it is', async () => {
    expect((await runHoldfast(['staus'], { unread: 'stderr' })).exitCode).toBe(2);
  });
});

describe('wrong configuration', () => {
  test.each(['config', 'node', 'doctor'])('holdfast %s names an unknown key of the file', async (name) => {
    await inTemporaryDirectory(async (directory) => {
      const file = join(directory, 'node.yaml');
      writeFileSync(file, 'listen:\n  prot: 8000\n');
      const { exitCode, stdout, stderr } = await runHoldfast([
        name,
        '--config',
        file,
        ...(name === 'node' ? [] : ['node']),
      ]);
      // The doctor reports it as a finding among others.
      expect(exitCode).toBe(name === 'doctor' ? 1 : 78);
      expect(stdout + stderr).toContain(`unknown key "listen.prot" in ${file}; there are listen.host, listen.port`);
    });
  });

  test('a variable of the wrong kind ends with 78 and is named', async () => {
    const { exitCode, stderr } = await runHoldfast(['relay'], { environment: { HOLDFAST_RELAY_LISTEN_PORT: 'http' } });
    expect(exitCode).toBe(78);
    expect(stderr).toContain('listen.port (environment)');
  });

  test('a file that is named must be there', async () => {
    const { exitCode, stderr } = await runHoldfast(['node', '--config', '/nowhere/node.yaml', '--json']);
    expect(exitCode).toBe(78);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'bad-configuration' } });
  });

  test('a file that is not YAML is told with its line and without its content', async () => {
    await inTemporaryDirectory(async (directory) => {
      const file = join(directory, 'node.yaml');
      writeFileSync(file, 'listen.port: 8000\nlog.level: "hunter2\n');
      const { exitCode, stderr } = await runHoldfast(['config', 'node', '--config', file]);
      expect(exitCode).toBe(78);
      expect(stderr).toMatch(/line [23]/);
      expect(stderr).not.toContain('hunter2');
    });
  });
});

describe('init', () => {
  test('prepares a node once, and is content with --if-missing although the token was put away', async () => {
    await inTemporaryDirectory(async (directory) => {
      const data = join(directory, 'state', 'holdfast', 'node');
      const environment = { XDG_CONFIG_HOME: directory, XDG_STATE_HOME: join(directory, 'state') };
      const first = await runHoldfast(['init', 'node', '--json'], { environment });
      expect(first.exitCode).toBe(0);
      expect(JSON.parse(first.stdout)).toEqual({
        service: 'node',
        directory: data,
        admin_token_file: join(data, 'admin.token'),
        config_file: join(directory, 'holdfast', 'node.yaml'),
        created: true,
      });
      expect(readFileSync(join(directory, 'holdfast', 'node.yaml'), 'utf8')).toBe(renderConfigFile('node'));
      expect((await runHoldfast(['init', 'node'], { environment })).exitCode).not.toBe(0);
      rmSync(join(data, 'admin.token'));
      const again = await runHoldfast(['init', 'node', '--if-missing', '--json'], { environment });
      expect(again.exitCode).toBe(0);
      expect(JSON.parse(again.stdout)).toMatchObject({ created: false });
    });
  });

  test('with a data directory of its own leaves the settings of the person alone', async () => {
    await inTemporaryDirectory(async (directory) => {
      const environment = { XDG_CONFIG_HOME: join(directory, 'config') };
      const args = ['init', 'relay', '--data-dir', join(directory, 'relay'), '--json'];
      const { exitCode, stdout } = await runHoldfast(args, { environment });
      expect(exitCode).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ config_file: null });
      expect(existsSync(join(directory, 'config'))).toBe(false);
    });
  });
});
