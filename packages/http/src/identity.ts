import type { Role } from '@holdfast/protocol';

/** Who a request speaks for. Services add what they need, such as the agent. */
export interface Identity {
  readonly role: Role;
}

/** Reads one request header by its lower-case name. Repeated headers come joined, as Node joins them. */
export type ReadHeader = (name: string) => string | undefined;

/**
 * Says who a bearer token is. Undefined, or a thrown `unauthenticated`, refuses the request with 401; a thrown
 * `forbidden`, for instance for a header the token may not use, with 403. Must take the same time for unknown and known
 * tokens: see `tokenMatches`.
 */
export type Authenticate<Who extends Identity> = (
  token: string,
  header: ReadHeader,
) => Who | undefined | Promise<Who | undefined>;
