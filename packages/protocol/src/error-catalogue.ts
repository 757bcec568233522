import { callErrors } from './call-errors.ts';
import type { ErrorKind } from './error-kind.ts';
import { syncErrors } from './sync-errors.ts';
import { listenerErrors } from './listener-errors.ts';
import { lockErrors } from './lock-errors.ts';
import { needErrors } from './need-errors.ts';
import { replicaErrors } from './replica-errors.ts';

/**
 * The error catalogue. Codes are stable: one is never renamed or given another meaning. `docs/errors.md` is generated
 * from here and compared in the gate.
 */
export const errorCatalogue = {
  'bad-http': {
    status: 400,
    retryable: false,
    title: 'The request is not valid HTTP/1.1',
    remedy: 'Talk HTTP/1.1 to this port; TLS only where it is configured.',
  },
  'bad-json': {
    status: 400,
    retryable: false,
    title: 'The body is not JSON',
    remedy: 'Send valid JSON text; the detail says what the parser met.',
  },
  'bad-utf8': {
    status: 400,
    retryable: false,
    title: 'The body is not UTF-8',
    remedy: 'Encode the body as UTF-8, without a byte order mark.',
  },
  'bad-encoding': {
    status: 400,
    retryable: false,
    title: 'The compressed body cannot be decompressed',
    remedy: 'Send what Content-Encoding says, whole.',
  },
  'body-incomplete': {
    status: 400,
    retryable: true,
    title: 'The body ended early',
    remedy: 'The connection was cut while sending; send the request again.',
  },
  unauthenticated: {
    status: 401,
    retryable: false,
    title: 'No valid token',
    remedy: 'Send "Authorization: Bearer <token>"; make one with `holdfast agent token` or `holdfast token create`.',
  },
  forbidden: {
    status: 403,
    retryable: false,
    title: 'This token may not do that',
    remedy: 'Use a token whose role allows the call, or leave out what it is not allowed to choose.',
  },
  'forbidden-origin': {
    status: 403,
    retryable: false,
    title: 'Browsers may not call this address',
    remedy: 'Call from a program: no Origin, Referer or cross-site Sec-Fetch-Site header.',
  },
  'forbidden-host': {
    status: 403,
    retryable: false,
    title: 'The Host header names another server',
    remedy: 'Use the address the service listens on, or add the name to `listen.hosts`.',
  },
  'sql-forbidden': {
    status: 403,
    retryable: false,
    title: 'The statement asks for what SQL may not have',
    remedy:
      'One SELECT over the views of collections, which `readable` lists; docs/query.md tells their columns and the functions.',
  },
  'join-token-refused': {
    status: 403,
    retryable: false,
    title: 'The join token is unknown, used or expired',
    remedy: 'Make a new one on the relay with `holdfast invite`.',
  },
  'record-not-found': {
    status: 404,
    retryable: false,
    title: 'No such record',
    remedy: 'Check collection, id and resource; deleted and expired records are not found either.',
  },
  'agent-not-found': {
    status: 404,
    retryable: false,
    title: 'No such agent',
    remedy: 'List agents with `holdfast agent list`; make one with `holdfast agent create`.',
  },
  'node-not-found': {
    status: 404,
    retryable: false,
    title: 'No such node',
    remedy: 'List nodes with `holdfast status` on the relay.',
  },
  'dead-letter-not-found': {
    status: 404,
    retryable: false,
    title: 'No such dead letter',
    remedy: 'List them with `holdfast dead-letters list`.',
  },
  'declaration-conflict': {
    status: 409,
    retryable: false,
    title: 'The declaration contradicts what there is',
    remedy:
      'Only add: optional fields, wider limits, indexes. For anything else declare a collection of another name and move the records.',
  },
  'too-many-indexes': {
    status: 409,
    retryable: false,
    title: 'The agent would have too many indexes',
    remedy:
      'Declare only those that queries need: `explain` shows which one a query uses. `holdfast collection undeclare` frees those of a collection; its records stay.',
  },
  'append-only': {
    status: 409,
    retryable: false,
    title: 'Records of this collection are never changed',
    remedy: 'Write a new record instead, under an id of its own.',
  },
  'collection-guarded': {
    status: 409,
    retryable: false,
    title: 'Records of this collection are written by a call of their own',
    remedy: 'Use the call that the detail names; reading and querying are open.',
  },
  'collection-not-found': {
    status: 404,
    retryable: false,
    title: 'No such collection',
    remedy:
      'List collections with GET /v1/collections, on the relay GET /relay/collections; a free-form one begins with the first record of it that is written or arrives there.',
  },
  'backup-not-found': {
    status: 404,
    retryable: false,
    title: 'No such backup',
    remedy: 'List them with `holdfast backup list`.',
  },
  'route-not-found': {
    status: 404,
    retryable: false,
    title: 'No such route',
    remedy: 'See /openapi.json for what there is.',
  },
  'method-not-allowed': {
    status: 405,
    retryable: false,
    title: 'The route has no such method',
    remedy: 'See the Allow header.',
  },
  'request-timeout': {
    status: 408,
    retryable: true,
    title: 'The request took too long to arrive',
    remedy: 'Send it again, faster or in smaller parts.',
  },
  'agent-exists': {
    status: 409,
    retryable: false,
    title: 'An agent of that name exists',
    remedy: 'Take another name, or make a further token for it with `holdfast agent token`.',
  },
  'node-exists': {
    status: 409,
    retryable: false,
    title: 'A node of that name is enrolled',
    remedy: 'Take another name for the new node.',
  },
  'already-enrolled': {
    status: 409,
    retryable: false,
    title: 'This node is enrolled already',
    remedy: 'A node belongs to one relay; see `holdfast status`.',
  },
  'work-under-way': {
    status: 409,
    retryable: true,
    title: 'Such work is under way already',
    remedy: 'Wait for it to end; `holdfast status` shows how far it is.',
  },
  'lease-lost': {
    status: 409,
    retryable: false,
    title: 'The task or lock is not yours any more',
    remedy:
      'Stop the work: the lease ended, or the task was taken back, and somebody else may have it. Ask for it anew.',
  },
  'precondition-failed': {
    status: 412,
    retryable: false,
    title: 'The record is not in the state the request asked for',
    remedy: 'Read the record again, apply your change to it and retry with its ETag.',
  },
  'body-too-large': {
    status: 413,
    retryable: false,
    title: 'The body is too large',
    remedy: 'Send less at once; bulk goes as NDJSON to /v1/batch.',
  },
  'record-too-large': {
    status: 413,
    retryable: false,
    title: 'The document is too large for a record',
    remedy: 'Keep a record under 1 MiB; split it.',
  },
  'unsupported-media-type': {
    status: 415,
    retryable: false,
    title: 'The content type is not accepted here',
    remedy: 'Send application/json, or application/x-ndjson where the route takes a stream.',
  },
  'unsupported-encoding': {
    status: 415,
    retryable: false,
    title: 'The content encoding is not accepted',
    remedy: 'Send gzip, zstd or plain; one encoding at most.',
  },
  'invalid-request': {
    status: 422,
    retryable: false,
    title: 'The request is well-formed but not acceptable',
    remedy: 'Correct what the detail names; `issues` lists every place.',
  },
  'unsafe-document': {
    status: 422,
    retryable: false,
    title: 'The document holds something that cannot be kept exactly',
    remedy: 'Take out NUL characters, lone surrogates, `__proto__` keys, integers beyond 2^53 and nesting beyond 64.',
  },
  'idempotency-mismatch': {
    status: 422,
    retryable: false,
    title: 'The idempotency key was used for another request',
    remedy: 'Use a fresh key for each different request.',
  },
  'protocol-unsupported': {
    status: 426,
    retryable: false,
    title: 'The relay does not speak this protocol version',
    remedy: 'Upgrade the relay first, then the nodes.',
  },
  'too-many-requests': {
    status: 429,
    retryable: true,
    title: 'Too many requests',
    remedy: 'Slow down; Retry-After says for how long.',
  },
  'headers-too-large': {
    status: 431,
    retryable: false,
    title: 'The headers are too large',
    remedy: 'Send fewer or shorter headers.',
  },
  internal: {
    status: 500,
    retryable: true,
    title: 'Something went wrong inside Holdfast',
    remedy: 'See the log entry with this request id; please report it.',
  },
  'queue-full': {
    status: 503,
    retryable: true,
    title: 'Too many writes are waiting',
    remedy: 'Wait as Retry-After says and send the write again: it was not stored.',
  },
  'shutting-down': {
    status: 503,
    retryable: true,
    title: 'The service is stopping',
    remedy: 'Send the request again in a moment.',
  },
  'not-enrolled': {
    status: 503,
    retryable: false,
    title: 'This node has no relay yet',
    remedy: 'Enrol it: `holdfast invite` on the relay, then `holdfast join` here.',
  },
  'relay-unreachable': {
    status: 503,
    retryable: true,
    title: 'The relay cannot be reached',
    remedy: 'Local reads and writes go on; try again when `holdfast status` shows contact.',
  },
  'storage-failed': {
    status: 503,
    retryable: true,
    title: 'The data could not be written',
    remedy: 'Nothing of the request was acknowledged. See the log for the cause; check the disk.',
  },
  'storage-read-only': {
    status: 503,
    retryable: true,
    title: 'The disk takes no writes',
    remedy: 'Reads go on. Make the file system writable again; writes resume by themselves.',
  },
  'file-damaged': {
    status: 503,
    retryable: false,
    title: 'The file is damaged',
    remedy:
      'Nothing of it is deleted. Rebuild an agent with `holdfast restore --agent`, others are not affected; put back a node or relay that does not start with `holdfast restore node` or `holdfast restore relay`.',
  },
  'agent-restoring': {
    status: 503,
    retryable: true,
    title: 'The agent is being restored',
    remedy: 'Send the request again later; `holdfast status` shows how far it is.',
  },
  ...callErrors,
  ...listenerErrors,
  ...lockErrors,
  ...syncErrors,
  ...needErrors,
  ...replicaErrors,
  'query-failed': {
    status: 503,
    retryable: false,
    title: 'The query could not be run to its end',
    remedy:
      'It may need more memory than a query may have: narrow it with `where` or a collection, group by fewer values, or order by less.',
  },
  'query-timeout': {
    status: 504,
    retryable: false,
    title: 'The query took too long',
    remedy:
      'Narrow it with `where` or a collection; `explain` shows how it runs. An operator may give queries more time: `query.seconds` of the relay.',
  },
  'disk-full': {
    status: 507,
    retryable: true,
    title: 'The disk is full',
    remedy: 'Free space; writes resume by themselves. Reads and sync go on.',
  },
  'bad-configuration': {
    status: 500,
    retryable: false,
    title: 'The configuration is wrong',
    remedy: 'Correct what the detail names; `holdfast config` shows what is in force.',
  },
  'already-initialised': {
    status: 500,
    retryable: false,
    title: 'The data directory is prepared already',
    remedy: 'Start the service on it, or name another with --data-dir.',
  },
  'directory-locked': {
    status: 500,
    retryable: false,
    title: 'Another process uses this data directory',
    remedy: 'Stop the other process, or give this one a data directory of its own.',
  },
  'directory-unsafe': {
    status: 500,
    retryable: false,
    title: 'The data directory is open to others',
    remedy: 'Give it to the user the service runs as: chown it and chmod 0700.',
  },
  'backup-damaged': {
    status: 500,
    retryable: false,
    title: 'The backup is not whole',
    remedy: 'Take another one: the detail names what is missing or changed.',
  },
  'schema-newer': {
    status: 500,
    retryable: false,
    title: 'The database was written by a newer Holdfast',
    remedy: 'Run the newer version; the file was left untouched.',
  },
  'migration-refused': {
    status: 500,
    retryable: false,
    title: 'The schema cannot be taken back',
    remedy:
      'The detail names what stands in the way; nothing was changed. A backup of before the upgrade can be put back with `holdfast restore`.',
  },
  'sqlite-unsafe': {
    status: 500,
    retryable: false,
    title: 'SQLite does not run as it must',
    remedy: 'The detail names the setting that did not hold; do not store data here.',
  },
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorCatalogue;

/** The codes as a list, in catalogue order. */
export const errorCodes: readonly ErrorCode[] = Object.keys(errorCatalogue) as ErrorCode[];

/** Whether a text is a code of this release's catalogue. */
export function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(errorCatalogue, text);
}
