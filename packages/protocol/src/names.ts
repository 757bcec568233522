import { v7 } from 'uuid';
import { z } from 'zod';

import { limits } from './limits.ts';

/** A node's or agent's name: lower case, digits, `-`, `_`; safe as a file name on every system. */
export const NAME_PATTERN: RegExp = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** A collection's name: like an identifier, so that it can become a view or a method name. */
export const COLLECTION_PATTERN: RegExp = /^[a-z][a-z0-9_]{0,62}$/;

/** A resource (tenant inside an agent): `app:user_123`. */
export const RESOURCE_PATTERN: RegExp = /^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/;

/** The resource of records written without one. */
export const NO_RESOURCE = '';

// Control characters are refused, so that ids print as they are; `.` and `..` because URLs fold them away.
// oxlint-disable-next-line no-control-regex
const UNSAFE_ID = /[\u0000-\u001f\u007f]/;

/** Whether `id` can name a record: 1 to 255 characters, well-formed, no control characters, not `.` or `..`. */
export function isRecordId(id: string): boolean {
  return (
    id.length > 0 &&
    id.length <= limits.idLength &&
    id !== '.' &&
    id !== '..' &&
    id.isWellFormed() &&
    !UNSAFE_ID.test(id)
  );
}

/**
 * The agent in whose name every node writes what all nodes share. No agent of a user has this name. Records of all nodes' streams of
 * it are one set at the relay: of one key the highest version counts, whichever node wrote it (protocol rule 3).
 */
export const SHARED_AGENT = 'shared';

const NAME_RULE = 'a name has 1 to 63 lower-case letters, digits, "-" and "_", and begins with a letter or digit';
/** `COLLECTION_PATTERN` in words. */
export const COLLECTION_RULE = 'a collection has 1 to 63 lower-case letters, digits and "_", and begins with a letter';
const RESOURCE_RULE = 'a resource has 1 to 128 letters, digits and ". _ : @ -", and begins with a letter or digit';
const RECORD_ID_RULE = `1 to ${limits.idLength} characters, none of them control characters, and not "." or ".."`;

/** A node's name. */
export const nodeName = z
  .string()
  .regex(NAME_PATTERN, { error: NAME_RULE })
  .meta({ description: 'Node name', example: 'workstation' });

/** An agent's name. */
export const agentName = z
  .string()
  .regex(NAME_PATTERN, { error: NAME_RULE })
  .meta({ description: 'Agent name', example: 'recruiter' });

/** An agent of the same node, or one of another as `agent@node`. */
export const peerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}(?:@[a-z0-9][a-z0-9_-]{0,62})?$/, { error: `agent or agent@node; ${NAME_RULE}` })
  .meta({ description: 'An agent of this node, or agent@node', example: 'screening@laptop' });

/** A collection's name. */
export const collectionName = z
  .string()
  .regex(COLLECTION_PATTERN, { error: COLLECTION_RULE })
  .meta({ description: 'Collection name', example: 'candidates' });

/** A resource, or the empty string for none. */
export const resourceName = z
  .string()
  .regex(/^$|^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$/, { error: RESOURCE_RULE })
  .meta({ description: 'Resource (tenant); empty for none', example: 'app:user_123' });

/** A record's id. */
export const recordId = z
  .string()
  .refine(isRecordId, { error: `a record id has ${RECORD_ID_RULE}` })
  .meta({ description: 'Record id', example: 'c-1042', minLength: 1, maxLength: limits.idLength });

/** Makes a record id: UUIDv7 (RFC 9562), so that ids made later sort later. */
export function makeRecordId(): string {
  return v7();
}
