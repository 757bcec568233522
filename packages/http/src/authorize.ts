import { HoldfastError } from '@holdfast/protocol';

import type { Authenticate, Identity, ReadHeader } from './identity.ts';
import type { Access } from './routing.ts';

const BEARER = /^Bearer +([\x21-\x7e]{1,500})$/i;

/**
 * Who sends the request; a promise only if `authenticate` gave one. Throws or rejects with `unauthenticated`, and with
 * what `authenticate` does.
 */
export function identify<Who extends Identity>(
  authenticate: Authenticate<Who>,
  header: ReadHeader,
): Who | Promise<Who> {
  const token = BEARER.exec(header('authorization') ?? '')?.[1];
  if (token === undefined) throw new HoldfastError('unauthenticated', 'the request carries no bearer token');
  const identity = authenticate(token, header);
  return identity instanceof Promise ? identity.then(known) : known(identity);
}

function known<Who extends Identity>(identity: Who | undefined): Who {
  if (identity === undefined) throw new HoldfastError('unauthenticated', 'the token is not known here');
  return identity;
}

/** Throws `forbidden` if the route does not let the role in. */
export function assertRole({ role }: Identity, access: Access): void {
  if (access !== 'open' && !access.has(role))
    throw new HoldfastError('forbidden', `the role "${role}" may not make this call`);
}
