import { type Canary, disguised } from './canary.ts';

/** Canaries of the gates that read the workspace's habits: boundaries, prose, links, schemas, docs. */
export const workspaceCanaries: readonly Canary[] = [
  {
    gate: 'boundaries',
    violation: 'imports upwards, sideways, past a package, undeclared, at run time for types, against the folders',
    seed: (copy) => {
      copy.write(
        'packages/protocol/src/canary.ts',
        "import type { AgentStore } from '@holdfast/store';\nexport type A = AgentStore;\n",
      );
      copy.write('packages/daemon/src/canary.ts', "export type { RelayStore } from '@holdfast/relay';\n");
      copy.write('packages/store/src/canary.ts', "export { limits } from '../../protocol/src/limits.ts';\n");
      copy.write('packages/store/src/canary-b.ts', "export const yaml: unknown = await import('yaml');\n");
      copy.write('packages/client/src/canary.ts', "export { type limits } from '@holdfast/protocol';\n");
      copy.write('packages/daemon/src/storage/canary.ts', 'export const row: number = 1;\n');
      copy.write('packages/daemon/src/http/canary.ts', "export { row } from '../storage/canary.ts';\n");
      copy.edit(
        'packages/relay/package.json',
        '"@holdfast/protocol"',
        '"@holdfast/daemon": "workspace:*",\n    "@holdfast/protocol"',
      );
    },
    expected: [
      /^packages\/protocol\/src\/canary\.ts: .* protocol may not import store$/,
      /^packages\/daemon\/src\/canary\.ts: .* daemon may not import relay$/,
      /^packages\/store\/src\/canary\.ts: .* may not leave its package$/,
      /^packages\/store\/src\/canary-b\.ts: imports yaml: not among the dependencies/,
      /^packages\/client\/src\/canary\.ts: .* only types of protocol/,
      /^packages\/daemon\/src\/http\/canary\.ts: .* folder http may not import folder storage$/,
      /^packages\/relay\/package\.json: relay may not depend on daemon$/,
    ],
  },
  {
    gate: 'prose',
    violation: 'one of each thing that is forbidden',
    seed: (copy) => {
      const lines = [
        'export const a: a|ny = 1;',
        '// @|ts-ignore',
        'export const b = 1 as unk|nown as string;',
        '// TO|DO',
        "export const c = 'SELE|CT * FROM records';",
        "export const d = '/ho|me/somebody';",
        "export * fr|om './limits.ts';",
      ];
      copy.write('packages/protocol/src/canary.ts', disguised(lines.join('\n')));
      copy.write(
        'packages/protocol/test/canary.test.ts',
        disguised("test.on|ly('one', () => {});\ntest.sk|ip('two', () => {});\n"),
      );
      copy.write('.npmrc', disguised('regi|stry=elsewhere\n'));
      copy.edit('pnpm-lock.yaml', /$/, disguised('\n  tar|ball: elsewhere\n'));
    },
    expected: [
      /canary\.ts:1 the type any/,
      /canary\.ts:2 switches the type checker off/,
      /canary\.ts:3 forces a type/,
      /canary\.ts:4 unfinished work/,
      /canary\.ts:5 name the columns/,
      /canary\.ts:6 a path of somebody's machine/,
      /canary\.ts: export \* hides/,
      /canary\.ts: a is exported without a doc comment/,
      /canary\.test\.ts:1 a test that does not count/,
      /canary\.test\.ts:2 a test that does not count/,
      /^\.npmrc:1 the registry/,
      /^pnpm-lock\.yaml:\d+ names a registry/,
    ],
  },
  {
    gate: 'links',
    violation: 'links and anchors that lead nowhere',
    seed: (copy) => {
      const missing = [
        '[a](no-such-page.md)',
        '[b](canary.md#no-such-heading)',
        '`packages/protocol/src/limits.ts#noSuchName`',
      ];
      copy.write(
        'docs/canary.md',
        `# Canary\n\n${missing.join('\n\n')}\n\n[c](../packages/protocol/src/limits.ts#L3)\n`,
      );
    },
    expected: [/no-such-page\.md: no such file/, /no such heading/, /#noSuchName: no such symbol/, /#L3: line numbers/],
  },
  {
    gate: 'schema',
    violation: 'a dump that is not what the migrations make; migrations nobody dumps',
    seed: (copy) => {
      copy.edit('packages/store/schema.sql', /$/, 'CREATE TABLE canary (id INTEGER) STRICT;\n');
      copy.write('packages/relay/src/canary/migrations.ts', 'export const canaryMigrations: readonly string[] = [];\n');
    },
    expected: [
      /^packages\/store\/schema\.sql: not what its source makes/,
      /^packages\/relay\/src\/canary\/migrations\.ts: not among the schemas/,
    ],
  },
  {
    gate: 'docs',
    violation: 'contracts changed without their pages',
    seed: (copy) => {
      copy.edit('packages/protocol/src/error-catalogue.ts', 'The body is not JSON', 'The canary is not JSON');
      copy.edit('packages/protocol/src/config/services.ts', 'Least level that is logged', 'Canary level');
      copy.edit('packages/protocol/src/routes/relay.ts', 'Open or renew the session', 'Open or renew the canary');
      copy.edit('packages/protocol/src/collections/kv.ts', 'Any JSON value', 'Any JSON canary');
    },
    expected: [
      'docs/errors.md',
      'docs/configuration.md',
      'docs/http.md',
      'docs/built-in-collections.md',
      'config/node.yaml',
    ].map((path) => new RegExp(`^${path}: not what its source makes`)),
  },
];
