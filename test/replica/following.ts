import assert from 'node:assert/strict';

import type { Holdfast, SubscriptionScope } from '@holdfast/client';
import { eventually } from '@holdfast/testkit';

/** Who shares candidates with everybody at the relay. */
export const SHARED_CANDIDATES: readonly string[] = ['--query-shared-collections', 'candidates'];

/** Subscribes a node, and waits until it has all there is. */
export async function subscribed(admin: Holdfast, name: string, scope: SubscriptionScope): Promise<void> {
  await admin.subscriptions.put(name, scope);
  await following(admin, name);
}

/** Waits until a node has all there is of a subscription. */
export async function following(admin: Holdfast, name: string): Promise<void> {
  await eventually(
    async () => {
      const found = (await admin.subscriptions.list()).find((subscription) => subscription.name === name);
      assert.deepEqual([found?.state, found?.caught_up_at === null], ['following', false]);
    },
    { limitMs: 60_000 },
  );
}

/** Waits until the replica of a collection reads as wished: documents by id. */
export async function reads(
  client: Holdfast,
  collection: string,
  wished: Readonly<Record<string, unknown>>,
): Promise<void> {
  await eventually(async () => assert.deepEqual(await documentsIn(client, collection), wished), { limitMs: 60_000 });
}

/** Documents by id, as somebody reads them from the replica. */
export async function documentsIn(client: Holdfast, collection: string): Promise<Record<string, unknown>> {
  const documents: Record<string, unknown> = {};
  for await (const { id, doc } of client.replica.each<unknown>({ collection })) documents[id] = doc;
  return documents;
}
