/* oxlint-disable max-lines-per-function -- a group of tests is one call */
import { HoldfastError } from '@holdfast/protocol';
import type { Lease, LeaseRequest, Leases } from '@holdfast/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Leases under test, in a place of their own. */
export interface LeasesUnderTest {
  /** The leases; others after `reopen`. */
  readonly leases: Leases;
  /** Ends and begins anew, as a restart would; after `change`, if one is given, did something to what is stored. */
  reopen(change?: () => void): Promise<void>;
  /** Remembers what is stored, as a backup of it would; the function returned puts it back, for `reopen`. */
  backUp(): Promise<() => void>;
  /** Removes what backups do not hold. */
  loseTheRest(): void;
  /** Ends it and removes its place. */
  remove(): Promise<void>;
}

/** Makes leases of which none was given. */
export type MakeLeases = () => Promise<LeasesUnderTest>;

const LONG_MS = 600_000;
const forEver = new AbortController().signal;

function wish(changes: Partial<LeaseRequest> = {}): LeaseRequest {
  const holder = { node: 'laptop', agent: 'ada' };
  return { resource: '', name: 'billing', holder, ttlMs: LONG_MS, waitMs: 0, ...changes };
}

const bob = { node: 'office', agent: 'bob' };

function codeOf(acting: Promise<unknown>): Promise<unknown> {
  return acting.then(
    () => 'none',
    (error: unknown) => (error instanceof HoldfastError ? error.code : error),
  );
}

/**
 * Registers the tests that every `Leases` must pass, under `name`. To be called from a vitest file; the dependency on vitest is the
 * caller's.
 */
export function leasesConformance(name: string, make: MakeLeases): void {
  describe(`${name} grants leases`, () => {
    let place: LeasesUnderTest;
    beforeEach(async () => {
      place = await make();
    });
    afterEach(() => place.remove());

    const take = (changes: Partial<LeaseRequest> = {}, signal = forEver): Promise<Lease> =>
      place.leases.acquire(wish(changes), signal);
    /** Waits behind those who hold or wait; resolves once it stands in the queue. */
    const queueUp = async (changes: Partial<LeaseRequest> = {}, signal = forEver): Promise<Promise<Lease>[]> => {
      const before = place.leases.figures.waiting;
      const waiting = take({ waitMs: LONG_MS, ...changes }, signal);
      waiting.catch(() => undefined);
      await expect.poll(() => place.leases.figures.waiting).toBe(before + 1);
      return [waiting];
    };

    it('one at a time for each lock, and tells others who has it and for how long at most', async () => {
      const lease = await take();
      expect(lease).toMatchObject({ name: 'billing', ttlMs: LONG_MS, fence: 1 });
      expect(lease.lease).toMatch(/^[0-9a-f]{32}$/);
      const refused = await take({ holder: bob }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'lock-held', extensions: { holder: { node: 'laptop', agent: 'ada' } } });
      const { remaining_seconds: seconds } = (refused as HoldfastError).extensions;
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(LONG_MS / 1000);
      expect(JSON.stringify(refused)).not.toContain(lease.lease);
      await expect(take({ name: 'other' })).resolves.toMatchObject({ fence: 2 });
      await expect(take({ resource: 'app:one' })).resolves.toMatchObject({ fence: 3 });
    });

    it('also to their holder only once, unless it says that it asks again', async () => {
      const lease = await take({ key: 'k' });
      expect(await codeOf(take())).toBe('lock-held');
      expect(await codeOf(take({ key: 'another' }))).toBe('lock-held');
      expect(await codeOf(take({ key: 'k', holder: bob }))).toBe('lock-held');
      await expect(take({ key: 'k', waitMs: LONG_MS })).resolves.toEqual(lease);
      expect(await codeOf(take({ key: 'k', ttlMs: 1 }))).toBe('idempotency-mismatch');
      await place.reopen();
      await expect(take({ key: 'k' })).resolves.toEqual(lease);
      await place.leases.release('', lease.lease);
      expect((await take({ key: 'k' })).fence).toBeGreaterThan(lease.fence);
    });

    it('to one of many who ask at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => codeOf(take())));
      expect(outcomes.filter((outcome) => outcome === 'none')).toHaveLength(1);
      expect(new Set(outcomes)).toEqual(new Set(['none', 'lock-held']));
      expect(place.leases.figures).toMatchObject({ held: 1, waiting: 0, granted: 1 });
    });

    it('that are released to the next in order of arrival, with higher fences each time', async () => {
      let { lease, fence } = await take();
      const waiting: Promise<Lease>[] = [];
      for (let at = 0; at < 5; at += 1) waiting.push(...(await queueUp({ holder: { node: 'n', agent: `a${at}` } })));
      await expect(place.leases.find({ resource: '', name: 'billing' })).resolves.toMatchObject({ waiting: 5, fence });
      for (const [at, next] of waiting.entries()) {
        await place.leases.release('', lease);
        const given = await next;
        expect(given.fence).toBeGreaterThan(fence);
        ({ lease, fence } = given);
        const held = await place.leases.find({ resource: '', name: 'billing' });
        expect(held?.holder.agent).toBe(`a${at}`);
      }
      await place.leases.release('', lease);
      await expect(place.leases.find({ resource: '', name: 'billing' })).resolves.toBeUndefined();
      expect(place.leases.figures).toEqual({ held: 0, waiting: 0, granted: 6, expired: 0 });
    });

    it('to nobody who has gone away, or whose wait is over', async () => {
      const { lease } = await take();
      const leaving = new AbortController();
      const [gone] = await queueUp({ holder: bob }, leaving.signal);
      const late = codeOf(take({ holder: bob, waitMs: 1 }));
      const [patient] = await queueUp({ holder: bob });
      leaving.abort();
      expect(await codeOf(gone as Promise<Lease>)).toBe('lock-held');
      expect(await late).toBe('lock-held');
      await place.leases.release('', lease);
      await expect(patient).resolves.toMatchObject({ name: 'billing' });
      expect(await codeOf(take({}, AbortSignal.abort()))).toBe('lock-held');
      expect(place.leases.figures).toMatchObject({ held: 1, waiting: 0, granted: 2 });
    });

    it('that end when nobody renews them, and then are lost for good', async () => {
      const { lease, fence } = await take({ ttlMs: 50 });
      const next = await take({ holder: bob, waitMs: LONG_MS });
      expect(next.fence).toBeGreaterThan(fence);
      expect(await codeOf(place.leases.renew('', lease))).toBe('lease-lost');
      await place.leases.release('', lease);
      await expect(place.leases.find({ resource: '', name: 'billing' })).resolves.toMatchObject({ holder: bob });
      expect(place.leases.figures).toMatchObject({ held: 1, expired: 1 });
    });

    it('that end without anybody asking', async () => {
      await take({ ttlMs: 50 });
      await expect.poll(() => place.leases.figures).toMatchObject({ held: 0, expired: 1 });
      await expect(place.leases.list('', { after: '', limit: 10 })).resolves.toEqual([]);
    });

    it('that go on as long as they are renewed, for another time too', async () => {
      const { lease, fence } = await take({ ttlMs: 50 });
      await expect(place.leases.renew('', lease, LONG_MS)).resolves.toEqual({
        name: 'billing',
        lease,
        fence,
        ttlMs: LONG_MS,
      });
      await expect(place.leases.renew('', lease)).resolves.toMatchObject({ ttlMs: LONG_MS });
      const [after] = await place.leases.list('', { after: '', limit: 1 });
      expect(after?.remainingMs).toBeGreaterThan(LONG_MS / 2);
      await place.reopen();
      await expect(place.leases.renew('', lease)).resolves.toMatchObject({ fence, ttlMs: LONG_MS });
    });

    it('of one resource that mean nothing to another', async () => {
      const { lease } = await take({ resource: 'app:one' });
      expect(await codeOf(place.leases.renew('app:two', lease))).toBe('lease-lost');
      await place.leases.release('app:two', lease);
      await expect(place.leases.list('app:two', { after: '', limit: 10 })).resolves.toEqual([]);
      await expect(place.leases.list('app:one', { after: '', limit: 10 })).resolves.toMatchObject([
        { name: 'billing' },
      ]);
    });

    it('that are listed by name, page by page, without their secrets', async () => {
      for (const name of ['c', 'a', 'b']) await take({ name });
      const page = await place.leases.list('', { after: '', limit: 2 });
      expect(page.map((held) => held.name)).toEqual(['a', 'b']);
      expect(page.flatMap((held) => Object.keys(held))).not.toContain('lease');
      await expect(place.leases.list('', { after: 'b', limit: 2 })).resolves.toMatchObject([{ name: 'c', waiting: 0 }]);
    });

    it('that outlive a restart for their whole time', async () => {
      const { fence } = await take({ ttlMs: 400 });
      await place.reopen();
      const restartedAtMs = performance.now();
      const next = await take({ holder: bob, waitMs: LONG_MS });
      expect(next.fence).toBeGreaterThan(fence);
      expect(performance.now() - restartedAtMs).toBeGreaterThan(300);
    });

    it('to no second one who makes a request that waits once more', async () => {
      const { lease } = await take();
      const [first] = await queueUp({ holder: bob, key: 'k' });
      const second = take({ holder: bob, key: 'k', waitMs: LONG_MS });
      expect(await codeOf(first as Promise<Lease>)).toBe('lock-held');
      expect(place.leases.figures.waiting).toBe(1);
      await place.leases.release('', lease);
      await expect(second).resolves.toMatchObject({ name: 'billing' });
    });

    it('to nobody any more once it stops', async () => {
      await take();
      const [waiting] = await queueUp({ holder: bob });
      const late = codeOf(take({ holder: bob, waitMs: LONG_MS }));
      place.leases.stop();
      expect(await codeOf(waiting as Promise<Lease>)).toBe('shutting-down');
      expect(await late).toBe('shutting-down');
      expect(await codeOf(take({ name: 'other' }))).toBe('shutting-down');
      expect(place.leases.figures.waiting).toBe(0);
    });

    it('with fences that go on over restarts', async () => {
      const { fence } = await take();
      await place.reopen();
      expect((await take({ name: 'other' })).fence).toBeGreaterThan(fence);
    });

    it('with fences that go on when what is stored is put back, also when nothing beside it is left', async () => {
      await take({ name: 'before' });
      const putBack = await place.backUp();
      const fences = [];
      for (let at = 0; at < 3; at += 1) fences.push((await take({ name: `lost-${at}` })).fence);
      await place.reopen(putBack);
      fences.push((await take({ name: 'lost-0' })).fence);
      await place.reopen(() => {
        putBack();
        place.loseTheRest();
      });
      fences.push((await take({ name: 'lost-0' })).fence);
      expect(fences).toEqual([...new Set(fences)].toSorted((one, other) => one - other));
    });

    it('with fences above any that somebody has seen', async () => {
      const { fence } = await take();
      await place.leases.outgrow(fence);
      const next = await take({ name: 'next' });
      expect(next.fence).toBe(fence + 1);
      await place.leases.outgrow(1_000_000);
      const far = await take({ name: 'far' });
      expect(far.fence).toBeGreaterThan(1_000_000);
      await place.reopen();
      await place.leases.outgrow(1_000_000);
      expect((await take({ name: 'further' })).fence).toBeGreaterThan(far.fence);
    });
  });
}
