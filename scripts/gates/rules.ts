/** What a package may import of ours. */
export interface PackageRule {
  readonly imports: readonly string[];
  /** Only as `import type`: nothing of it may be loaded at run time. */
  readonly typesOf?: readonly string[];
}

/** Who may import whom, by folder in `packages/`. Tests may use `testkit` besides; `examples/`, `test/` and `scripts/` anything. */
export const packageRules: Readonly<Record<string, PackageRule>> = {
  protocol: { imports: [] },
  http: { imports: ['protocol'] },
  sqlite: { imports: ['protocol'] },
  store: { imports: ['protocol', 'sqlite'] },
  network: { imports: ['protocol', 'sqlite', 'store'] },
  backup: { imports: ['protocol', 'sqlite', 'store'] },
  live: { imports: ['protocol'] },
  client: { imports: [], typesOf: ['protocol'] },
  daemon: { imports: ['protocol', 'store', 'sqlite', 'http', 'backup', 'live', 'network'] },
  relay: { imports: ['protocol', 'store', 'sqlite', 'http', 'backup', 'live', 'network'] },
  cli: { imports: ['protocol', 'store', 'sqlite', 'http', 'client', 'daemon', 'relay', 'backup'] },
  testkit: { imports: ['protocol'] },
};

/**
 * Inside a service: http → service → storage, no skipping and no way back; sync knows nothing of http. By package and
 * folder in its `src/`: the folders it may not import.
 */
export const folderRules: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  daemon: { http: ['storage'], service: ['http'], sync: ['http'], storage: ['http', 'service', 'sync'] },
  relay: { http: ['storage'], service: ['http'], storage: ['http', 'service'] },
};
