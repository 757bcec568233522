import type { Key, Stored } from './values.ts';

/** Where retention removes records. */
export type Side = 'node' | 'relay';

/** What retention removed in a world: it may be missing there. */
export class Removed {
  readonly #keys: Readonly<Record<Side, Set<string>>> = { node: new Set(), relay: new Set() };

  /** Retention removed a record of a node. */
  add(side: Side, node: string, key: Key): void {
    this.#keys[side].add(`${node} ${key}`);
  }

  /** Whether it removed anything on a node. */
  get isAny(): boolean {
    return this.#keys.node.size > 0;
  }

  /** Whether it removed a record of a node. */
  has(side: Side, node: string, key: Key): boolean {
    return this.#keys[side].has(`${node} ${key}`);
  }

  /**
   * Whether what is missing under a key may be, because it was removed. `isParted`: see `World.isParted`. A node that was put back to before
   * a record counts it as the relay does that has removed it, and does not miss it when the relay is put back and has it again.
   */
  isExcused(
    node: string,
    key: Key,
    { here, there, isParted }: { here: Stored | undefined; there: Stored | undefined; isParted: boolean },
  ): boolean {
    if (here !== undefined && there !== undefined) return false;
    const isHereExcused =
      here !== undefined || this.has('node', node, key) || (isParted && this.has('relay', node, key));
    const isThereExcused = there !== undefined || this.has('relay', node, key);
    return isHereExcused && isThereExcused;
  }
}
