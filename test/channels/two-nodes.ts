import type { Holdfast } from '@holdfast/client';
import { afterEach, beforeEach } from 'vitest';

import { CallNetwork } from '../other-node/call-network.ts';
import { LiveNode } from './live-node.ts';

/** What the running test has: nodes `here` and `there` of one network, `ada` on the first and `bob` on the other. */
export let network: CallNetwork;
export let here: LiveNode;
export let there: LiveNode;
export let ada: Holdfast;
export let bob: Holdfast;

/** Gives every test around it two nodes of its own. */
export function useTwoNodes(): void {
  beforeEach(async () => {
    network = await CallNetwork.start();
    [here, there] = [await LiveNode.join(network, 'here'), await LiveNode.join(network, 'there')];
    [ada, bob] = [await here.agent('ada'), await there.agent('bob')];
  });
  afterEach(async () => {
    await here.stop();
    await there.stop();
    await network[Symbol.asyncDispose]();
  });
}
