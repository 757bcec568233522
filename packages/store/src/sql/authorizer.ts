import { constants } from 'node:sqlite';

import { allowedFunctions, allowedTableFunctions } from './functions.ts';
import { innerName } from './views.ts';

const { SQLITE_DENY, SQLITE_FUNCTION, SQLITE_OK, SQLITE_READ, SQLITE_RECURSIVE, SQLITE_SELECT } = constants;

type Text = string | null;

/** What a statement wants to do, as SQLite tells it. */
type Action = readonly [action: number, first: Text, second: Text, database: Text, within: Text];

/**
 * Lets statements read views, call harmless functions and nothing else. SQLite asks it for every table, column and function while
 * it compiles a statement, those behind views too.
 */
export class Authorizer {
  readonly #names: ReadonlySet<string>;
  readonly #innerNames: ReadonlySet<string>;
  #refused: string | undefined;

  /** `names` are those of the views that `viewStatements` made with `secret`. */
  constructor(names: readonly string[], secret: string) {
    this.#names = new Set(names);
    this.#innerNames = new Set(names.map((_name, index) => innerName(secret, index)));
  }

  /** What was refused first since it was asked last, in words; undefined: nothing. */
  takeRefused(): string | undefined {
    const refused = this.#refused;
    this.#refused = undefined;
    return refused;
  }

  /** To be given to `DatabaseSync.setAuthorizer`. */
  readonly authorize = (...action: Action): number => {
    const refusal = this.#refusalOf(action);
    if (refusal === undefined) return SQLITE_OK;
    this.#refused ??= refusal;
    return SQLITE_DENY;
  };

  #refusalOf([action, first, second, database, within]: Action): string | undefined {
    if (action === SQLITE_SELECT || action === SQLITE_RECURSIVE) return undefined;
    if (action === SQLITE_READ) {
      return this.#mayRead(first ?? '', database, within) ? undefined : `"${first}" may not be read`;
    }
    if (action !== SQLITE_FUNCTION) return 'it may only SELECT';
    return allowedFunctions.has((second ?? '').toLowerCase()) ? undefined : `${second}() may not be called`;
  }

  #mayRead(table: string, database: Text, within: Text): boolean {
    if (database === 'temp') return this.#names.has(table) || this.#innerNames.has(table);
    return this.#innerNames.has(within ?? '') || allowedTableFunctions.has(table);
  }
}
