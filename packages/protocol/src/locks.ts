import { z } from 'zod';

import { limits } from './limits.ts';
import { RESOURCE_PATTERN } from './names.ts';

/** A lock's name. */
export const lockName = z
  .string()
  .regex(RESOURCE_PATTERN, {
    error: 'a lock has 1 to 128 letters, digits and ". _ : @ -", and begins with a letter or digit',
  })
  .meta({ description: 'Lock name', example: 'nightly:billing' });

/** Whose lock it is: of one node, or of the whole network, through the relay. */
export const lockScope = z.enum(['node', 'network']);

/** Whose lock it is. */
export type LockScope = z.infer<typeof lockScope>;

/** A fence: higher with each lease that is given. */
export const fence = z
  .number()
  .int()
  .min(0)
  .max(2 ** 52)
  .meta({ description: 'Higher than that of any lease given before' });

/** How long a lease lasts, in seconds. */
export const leaseTtlSeconds = z
  .number()
  .min(1)
  .max(limits.leaseSeconds)
  .meta({ description: 'How long it is held without being renewed' });

/** How long to wait for a lock that is held, in seconds. */
export const lockWaitSeconds = z
  .number()
  .min(0)
  .max(limits.lockWaitSeconds)
  .meta({ description: 'How long to wait while somebody else holds it' });

/** A lock that a write is done under, and the fence of its lease. */
export interface FenceProof {
  readonly scope: LockScope;
  readonly lock: string;
  readonly fence: number;
}

const PROOF = /^(?<scope>network\/)?(?<lock>[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127})=(?<fence>\d{1,16})$/;

/** A fence as `If-Fence` has it: `billing=17`, or `network/billing=17` for a lock of the network. */
export function fenceProofText({ scope, lock, fence: value }: FenceProof): string {
  return `${scope === 'network' ? 'network/' : ''}${lock}=${value}`;
}

/** What an `If-Fence` header says, several with commas between; undefined if it says something else. */
export function parseFenceProofs(header: string): FenceProof[] | undefined {
  const proofs: FenceProof[] = [];
  for (const part of header.split(',')) {
    const { scope, lock, fence: value } = PROOF.exec(part.trim())?.groups ?? {};
    if (lock === undefined || !fence.safeParse(Number(value)).success) return undefined;
    proofs.push({ scope: scope === undefined ? 'node' : 'network', lock, fence: Number(value) });
  }
  return proofs.length > limits.fenceProofs ? undefined : proofs;
}
