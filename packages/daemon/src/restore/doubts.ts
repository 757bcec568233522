import type { RestoreReport } from '@holdfast/protocol';
import type { RecordPlace } from '@holdfast/store';

/** Records named in a report. */
const MAX_LISTED = 1000;

type LostRecord = RestoreReport['lost'][number];
type Key = Omit<RecordPlace, 'seq'>;

/** What is known of a record that could not be read where it stood. */
interface Unread {
  /** Null: not known. */
  readonly version: string | null;
  /** Whether what it is rebuilt from is known to have it as it stood. */
  readonly isHeld: boolean;
}

/**
 * Records that could not be read where they stood. Whether they are lost shows in the end: they may come from elsewhere.
 */
export class Doubts {
  readonly #unread = new Map<string, Key & Unread>();

  /** Notes one. What is known of its version stays. */
  add({ resource, collection, id }: Key, { version, isHeld }: Unread): void {
    const key = keyOf({ resource, collection, id });
    if (version === null && typeof this.#unread.get(key)?.version === 'string') return;
    this.#unread.set(key, { resource, collection, id, version, isHeld });
  }

  /** It could be read where it stands after all. One of a known version is judged in the end: this may be an older one. */
  settle(place: Key): void {
    if (this.#unread.size === 0) return;
    const key = keyOf(place);
    if (this.#unread.get(key)?.version === null) this.#unread.delete(key);
  }

  /** Those that are not there: how many, and the first of them. `versionOf` gives what is there of one. */
  losses(versionOf: (key: Key) => string | undefined): { readonly count: number; readonly listed: LostRecord[] } {
    const lost = [...this.#unread.values()].filter((unread) => isLost(unread, versionOf(unread)));
    const listed = lost.slice(0, MAX_LISTED).map(({ resource, collection, id, version }) => {
      return { resource, collection, id, version };
    });
    return { count: lost.length, listed };
  }
}

function keyOf({ resource, collection, id }: Key): string {
  return JSON.stringify([resource, collection, id]);
}

// Of one whose version cannot be read any other version may be an older one.
function isLost({ version, isHeld }: Unread, there: string | undefined): boolean {
  if (there === undefined) return true;
  return version === null ? !isHeld : there < version;
}
