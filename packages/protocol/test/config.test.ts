import {
  environmentOf,
  flagOf,
  nodeOptions,
  type Option,
  optionText,
  renderConfigFile,
  resolveConfig,
  services,
} from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';

const options = {
  'listen.port': { kind: 'integer', default: 8002, min: 0, max: 65_535, help: 'Port' },
  'listen.hosts': { kind: 'list', default: ['a'], help: 'Names' },
  'log.level': { kind: 'string', default: 'info', choices: ['info', 'debug'], help: 'Level' },
} as const;

interface Given {
  readonly flags?: Record<string, string>;
  readonly environment?: Record<string, string>;
  readonly file?: unknown;
}

const resolve = ({ flags = {}, environment = {}, file }: Given): ReturnType<typeof resolveConfig<typeof options>> =>
  resolveConfig('node', options, { flags, environment, file });

describe('the configuration', () => {
  test('takes flags over variables over the file over defaults', () => {
    const file = { 'listen.port': 3, log: { level: 'debug' } };
    const environment = { HOLDFAST_NODE_LISTEN_PORT: '2', HOLDFAST_RELAY_LOG_LEVEL: 'info' };
    const all = resolve({ flags: { 'listen.port': '1' }, environment, file });
    expect(all.values).toEqual({ 'listen.port': 1, 'listen.hosts': ['a'], 'log.level': 'debug' });
    expect(all.origins).toEqual({ 'listen.port': 'flag', 'listen.hosts': 'default', 'log.level': 'file' });
    expect(resolve({ environment, file }).values['listen.port']).toBe(2);
    expect(resolve({ file }).values['listen.port']).toBe(3);
    expect(resolve({}).values['listen.port']).toBe(8002);
  });

  test('reads nested and dotted keys, and lists from text', () => {
    expect(resolve({ file: { listen: { port: 7, hosts: ['x', 'y'] } } }).values).toMatchObject({
      'listen.port': 7,
      'listen.hosts': ['x', 'y'],
    });
    expect(resolve({ environment: { HOLDFAST_NODE_LISTEN_HOSTS: 'x:1, y ,' } }).values['listen.hosts']).toEqual([
      'x:1',
      'y',
    ]);
    expect(resolve({ file: { log: { level: null } } }).origins['log.level']).toBe('default');
  });

  test('reads subscriptions as a mapping of the file, and as JSON elsewhere', () => {
    const all = { people: { collections: ['candidates'], nodes: ['laptop'] } };
    const read = (given: Partial<Parameters<typeof resolveConfig>[2]>): unknown =>
      resolveConfig('node', nodeOptions, { flags: {}, environment: {}, file: undefined, ...given }).values
        .subscriptions;
    expect(read({ file: { subscriptions: all } })).toEqual(all);
    expect(read({ flags: { subscriptions: JSON.stringify(all) } })).toEqual(all);
    expect(read({ file: { subscriptions: null } })).toEqual({});
    const refused = (subscriptions: unknown): unknown => {
      try {
        return read({ file: { subscriptions } });
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refused({ people: { collections: [] } })).toMatch(/^subscriptions \(file\)\.people\.collections: /);
    expect(refused({ people: { collection: 'candidates' } })).toMatch(/^subscriptions \(file\)\.people/);
    expect(refused({ Ill: { collections: ['candidates'] } })).toMatch(/^subscriptions \(file\)\.Ill: /);
    expect(() => read({ flags: { subscriptions: '{' } })).toThrow('subscriptions (flag) is not JSON');
  });

  test.each<[string, Given, RegExp]>([
    ['an unknown key', { file: { listen: { prot: 1 } } }, /unknown key "listen\.prot"/],
    ['an unknown section', { file: { colour: { of: 1 } } }, /unknown key "colour\.of"/],
    ['a key without its section', { file: { port: 1 } }, /did you mean "listen\.port"/],
    ['a file that is a list', { file: [1] }, /must hold a mapping/],
    ['text for an integer', { flags: { 'listen.port': 'http' } }, /listen\.port \(flag\) must be a whole number/],
    ['nothing for an integer', { flags: { 'listen.port': '' } }, /whole number/],
    ['a fraction', { file: { 'listen.port': 1.5 } }, /listen\.port \(file\) must be a whole number/],
    ['too little', { file: { 'listen.port': -1 } }, /from 0 to 65535, not -1/],
    ['too much', { environment: { HOLDFAST_NODE_LISTEN_PORT: '65536' } }, /\(environment\) must be from 0 to 65535/],
    ['a word that is no choice', { file: { 'log.level': 'loud' } }, /one of info, debug, not "loud"/],
    ['a boolean for a string', { file: { 'log.level': true } }, /must be a string/],
    ['numbers in a list', { file: { 'listen.hosts': [1] } }, /list of strings/],
    ['a mapping for a leaf', { file: { 'listen.port': { a: 1 } } }, /unknown key "listen\.port\.a"/],
  ])('refuses %s', (_name, given, message) => {
    expect(() => resolve(given)).toThrow(expect.objectContaining({ code: 'bad-configuration' }));
    expect(() => resolve(given)).toThrow(message);
  });

  test('names flags and variables after the key', () => {
    expect(flagOf('sync.heartbeatSeconds')).toBe('--sync-heartbeat-seconds');
    expect(environmentOf('node', 'sync.heartbeatSeconds')).toBe('HOLDFAST_NODE_SYNC_HEARTBEAT_SECONDS');
  });

  test.each(Object.entries(services))('every default of the %s is a value the option takes', (name, service) => {
    const entries = Object.entries<Option>(service);
    const flags = Object.fromEntries(entries.map(([key, option]) => [key, optionText(option.default)]));
    const { values } = resolveConfig(name, service, { flags, environment: {}, file: undefined });
    expect(values).toEqual(Object.fromEntries(Object.entries(service).map(([key, option]) => [key, option.default])));
  });

  test.each(Object.entries(services))('no two keys of the %s share a flag or a variable', (name, service) => {
    const keys = Object.keys(service);
    expect(new Set(keys.map(flagOf)).size).toBe(keys.length);
    expect(new Set(keys.map((key) => environmentOf(name, key))).size).toBe(keys.length);
  });

  test('the file that ships names every key and sets none', () => {
    const text = renderConfigFile('node');
    for (const key of Object.keys(nodeOptions)) expect(text).toContain(`\n#${key}: `);
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});
