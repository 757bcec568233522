import type { RestoreReport } from '@holdfast/protocol';

/** Records named in a report. */
const MAX_LISTED = 1000;

type LostRecord = RestoreReport['lost'][number];

/** What could not be brought back: counted, and the first of it by name. */
export class Losses {
  readonly #keys = new Set<string>();
  readonly #listed: LostRecord[] = [];

  /** Notes a record; once for each key. */
  add({ resource, collection, id, version }: LostRecord): void {
    const key = JSON.stringify([resource, collection, id]);
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    if (this.#listed.length < MAX_LISTED) this.#listed.push({ resource, collection, id, version });
  }

  /** How many. */
  get count(): number {
    return this.#keys.size;
  }

  /** The first of them. */
  get listed(): LostRecord[] {
    return [...this.#listed];
  }
}
