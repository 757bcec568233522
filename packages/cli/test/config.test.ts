import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HoldfastError, renderConfigFile, services } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { loadConfig } from '../src/config/load.ts';
import { defaultDataDirectory, findConfigFile } from '../src/config/locations.ts';
import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

describe('configuration in force', () => {
  test('flags win over environment, environment over file, file over defaults', async () => {
    await inTemporaryDirectory((directory) => {
      const file = join(directory, 'node.yaml');
      writeFileSync(file, 'listen: {port: 1001}\nfiles.open: 12\nstop.seconds: 3\n');
      const loaded = loadConfig(
        'node',
        { flags: { 'listen.port': '1003' }, file },
        { HOME: directory, HOLDFAST_NODE_LISTEN_PORT: '1002', HOLDFAST_NODE_FILES_OPEN: '13' },
      );
      expect(loaded.values).toMatchObject({
        'listen.port': 1003,
        'files.open': 13,
        'stop.seconds': 3,
        'log.level': 'info',
      });
      expect(loaded.origins).toMatchObject({
        'listen.port': 'flag',
        'files.open': 'environment',
        'stop.seconds': 'file',
        'log.level': 'default',
      });
      expect(loaded.directory).toBe(join(directory, '.local/state/holdfast/node'));
    });
  });

  test('a key written twice in the file is an error', async () => {
    await inTemporaryDirectory((directory) => {
      const file = join(directory, 'relay.yaml');
      writeFileSync(file, 'listen.port: 1\nlisten.port: 2\n');
      expect(() => loadConfig('relay', { flags: {}, file }, {})).toThrow(HoldfastError);
    });
  });

  test('holdfast config tells each value and its origin, as JSON too', async () => {
    const environment = { HOLDFAST_RELAY_LISTEN_HOSTS: 'htpc.lan:8001, 10.0.0.2:8001' };
    const { exitCode, stdout } = await runHoldfast(['config', 'relay', '--json'], { environment });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      relay: {
        file: null,
        values: {
          'listen.hosts': { value: ['htpc.lan:8001', '10.0.0.2:8001'], origin: 'environment' },
          'listen.port': { value: 8001, origin: 'default' },
        },
      },
    });
    const { stdout: shown } = await runHoldfast(['config', 'relay'], { environment });
    expect(shown).toContain('HOLDFAST_RELAY_LISTEN_HOSTS');
  });
});

describe('where things are', () => {
  test('the named file comes before the variable, and both before the usual places', async () => {
    await inTemporaryDirectory((directory) => {
      const usual = join(directory, 'holdfast', 'node.yaml');
      mkdirSync(join(directory, 'holdfast'));
      writeFileSync(usual, '');
      const environment = { XDG_CONFIG_HOME: directory, HOLDFAST_NODE_CONFIG: '/told.yaml' };
      expect(findConfigFile('node', '/named.yaml', environment)).toBe('/named.yaml');
      expect(findConfigFile('node', undefined, environment)).toBe('/told.yaml');
      expect(findConfigFile('node', undefined, { XDG_CONFIG_HOME: directory })).toBe(usual);
      expect(findConfigFile('node', undefined, { XDG_CONFIG_HOME: join(directory, 'none') })).toBeUndefined();
    });
  });

  test("systemd's directory comes before the person's own, with symbolic links resolved", async () => {
    await inTemporaryDirectory((directory) => {
      const real = join(directory, 'private');
      mkdirSync(real);
      symlinkSync(real, join(directory, 'link'));
      const environment = { STATE_DIRECTORY: `${join(directory, 'link')}:/other`, XDG_STATE_HOME: '/state' };
      expect(defaultDataDirectory('relay', environment)).toBe(real);
      expect(defaultDataDirectory('relay', { XDG_STATE_HOME: '/state' })).toBe('/state/holdfast/relay');
    });
  });
});

describe.each(['node', 'relay'] as const)('config/%s.yaml', (service) => {
  const shipped = readFileSync(new URL(`../../../config/${service}.yaml`, import.meta.url), 'utf8');

  test('is what the options record gives', () => {
    expect(shipped).toBe(renderConfigFile(service));
  });

  test('changes nothing as it stands', () => {
    expect(parse(shipped)).toBeNull();
  });

  test('holds every key with its default, once uncommented', () => {
    const uncommented = shipped.replaceAll(/^#(?=[a-z])/gm, '');
    const defaults = Object.entries(services[service]).map(([key, option]): [string, unknown] => [key, option.default]);
    expect(parse(uncommented)).toEqual(Object.fromEntries(defaults));
  });
});
