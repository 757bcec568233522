import {
  type ErrorCode,
  HoldfastError,
  isHoldfastError,
  type Json,
  mergePatch,
  type NewSession,
  type Now,
  type Revocation,
  type Session,
} from '@holdfast/protocol';
import { type RecordsTransaction, toTimestamp } from '@holdfast/store';

import type { Records, Scope } from '../records.ts';
import {
  COLLECTION,
  idOf,
  lifetimeMsOf,
  makeKey,
  readDocument,
  type SessionDocument,
  sessionOf,
  writeSession,
} from './stored-session.ts';

/** A session is extended by a check once this share of its lifetime has passed: until then a check writes nothing. */
const UNWRITTEN_SHARE = 1 / 10;
/** Sessions of a user that end in one transaction. */
const REVOKED_AT_ONCE = 500;

/** Why a session could not be extended while it goes on as it was: the disk takes no writes now. */
const EXTENDED_LATER: ReadonlySet<ErrorCode> = new Set(['disk-full', 'storage-read-only', 'queue-full']);

/** Which sessions of a user to list. */
export interface SessionList {
  readonly user: string;
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** Users' sessions with the agents of this node: records found by the hash of a key that is stored nowhere. */
export class Sessions {
  readonly #records: Pick<Records, 'page' | 'read' | 'transact'>;
  readonly #now: Now;

  constructor(records: Pick<Records, 'page' | 'read' | 'transact'>, now: Now) {
    this.#records = records;
    this.#now = now;
  }

  /** Begins a session; nobody can find out its key later. Throws what `Records.transact` throws, `unsafe-document`, `record-too-large`. */
  create(scope: Scope, wished: NewSession): Promise<Session & { readonly key: string }> {
    const key = makeKey();
    const id = idOf(key);
    return this.#records.transact(scope, (records) => {
      const startedAt = toTimestamp(this.#now());
      const document = Object.fromEntries(
        Object.entries({ kind: 'sliding', lifetime_seconds: 3600, ...wished }).filter(
          ([, value]) => value !== undefined,
        ),
      );
      const session = { ...document, started_at: startedAt, extended_at: startedAt } as SessionDocument;
      writeSession(records, id, session);
      return { key, ...sessionOf(id, session) };
    });
  }

  /**
   * The session of a key. A sliding one then lasts nine tenths of its lifetime at least from now on: it is written only when
   * more than a tenth has passed since it was extended. Throws `session-not-found`, `storage-failed`.
   */
  async check(scope: Scope, key: string): Promise<Session> {
    const id = idOf(key);
    const document = this.#read(scope, id);
    if (!this.#isToExtend(document)) return sessionOf(id, document);
    try {
      return await this.#change(scope, id, (stored) => stored);
    } catch (error) {
      // It is as good as it was before; the answer says until when.
      if (isHoldfastError(error) && EXTENDED_LATER.has(error.code)) return sessionOf(id, document);
      throw error;
    }
  }

  /** Applies a merge patch to a session's data, and extends it. Throws `session-not-found`, and as `create`. */
  change(scope: Scope, key: string, patch: Json): Promise<Session> {
    return this.#change(scope, idOf(key), (stored) => {
      return { ...stored, data: (mergePatch(stored.data ?? {}, patch) as SessionDocument['data']) ?? {} };
    });
  }

  /** Ends sessions; returns how many that were. Throws what `Records.transact` throws. */
  async revoke(scope: Scope, { key, id, user }: Revocation): Promise<number> {
    if (user !== undefined) return this.#revokeAll(scope, user);
    return this.#records.transact(scope, (records) => endSession(records, id ?? idOf(key ?? '')));
  }

  /** A page of a user's sessions, the oldest first. Throws `invalid-request` for a token of another page. */
  list(scope: Scope, { user, ...page }: SessionList): { sessions: Session[]; next: string | null } {
    const query = { where: { user }, orderBy: [{ started_at: 'asc' as const }], ...page };
    const { records, next } = this.#records.page(scope, COLLECTION, query);
    return { sessions: records.map(({ id, doc }) => sessionOf(id, doc as SessionDocument)), next };
  }

  async #revokeAll(scope: Scope, user: string): Promise<number> {
    let ended = 0;
    for (;;) {
      const { count, isMore } = await this.#records.transact(scope, (records) => {
        const answer = records.query(COLLECTION, { where: { user }, limit: REVOKED_AT_ONCE });
        if (!('records' in answer)) throw new Error('a query for records was answered with something else');
        // Not by their number: an answer is bounded in bytes too.
        return {
          count: answer.records.reduce((sum, { id }) => sum + endSession(records, id), 0),
          isMore: answer.next !== null,
        };
      });
      ended += count;
      if (!isMore) return ended;
    }
  }

  #read(scope: Scope, id: string): SessionDocument {
    try {
      const document = readDocument(this.#records.read(scope, COLLECTION, id).text, this.#now());
      if (document !== undefined) return document;
    } catch (error) {
      if (!isHoldfastError(error, 'record-not-found')) throw error;
    }
    throw noSuchSession();
  }

  #isToExtend(document: SessionDocument): boolean {
    const sinceMs = this.#now() - Date.parse(document.extended_at);
    return document.kind !== 'fixed' && sinceMs >= lifetimeMsOf(document) * UNWRITTEN_SHARE;
  }

  #change(scope: Scope, id: string, change: (stored: SessionDocument) => SessionDocument): Promise<Session> {
    return this.#records.transact(scope, (records) => {
      const nowMs = this.#now();
      const stored = readDocument(records.read(COLLECTION, id)?.text, nowMs);
      if (stored === undefined) throw noSuchSession();
      const extension = stored.kind === 'fixed' ? {} : { extended_at: toTimestamp(nowMs) };
      const after = { ...change(stored), ...extension };
      writeSession(records, id, after);
      return sessionOf(id, after);
    });
  }
}

function endSession(records: RecordsTransaction, id: string): number {
  if (records.read(COLLECTION, id) === undefined) return 0;
  records.write({ op: 'delete', collection: COLLECTION, id });
  return 1;
}

// The same words whatever is the matter: a key that never was is not told from one that was.
function noSuchSession(): HoldfastError {
  return new HoldfastError('session-not-found', 'no session has this key now');
}
