import type { ConfigOf, Options } from './options.ts';

const commitOptions = {
  'commit.operations': {
    kind: 'integer',
    default: 512,
    min: 1,
    max: 10_000,
    help: 'Most operations in one transaction (group commit)',
  },
  'commit.bytes': {
    kind: 'integer',
    default: 4_194_304,
    min: 1024,
    help: 'Most bytes of documents in one transaction',
  },
  'commit.milliseconds': {
    kind: 'integer',
    default: 10,
    min: 1,
    max: 1000,
    help: 'Longest work of one transaction before it commits, so that reads are not kept waiting',
  },
  'commit.queue': {
    kind: 'integer',
    default: 10_000,
    min: 1,
    help: 'Operations that may wait for a commit; beyond it writes get 503 with Retry-After',
  },
  'commit.queueBytes': {
    kind: 'integer',
    default: 67_108_864,
    min: 1024,
    help: 'Bytes of documents that may wait for a commit',
  },
} as const satisfies Options;

const serviceOptions = {
  'limits.bodyBytes': {
    kind: 'integer',
    default: 16_777_216,
    min: 1024,
    help: 'Largest JSON body, as sent; streams are bounded line by line',
  },
  'limits.requestSeconds': {
    kind: 'integer',
    default: 30,
    min: 1,
    help: 'Longest time a JSON body may take to arrive; streams may pause as long between two lines',
  },
  'limits.connections': { kind: 'integer', default: 1024, min: 1, help: 'Open connections at once' },
  'limits.eventStreams': {
    kind: 'integer',
    default: 768,
    min: 1,
    help: 'Event streams open at once, each on one of `limits.connections`; beyond it listeners get 503',
  },
  'stop.seconds': { kind: 'integer', default: 10, min: 0, help: 'Time for requests under way when told to stop' },
  'log.level': {
    kind: 'string',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    help: 'Least level that is logged',
  },
  'log.format': {
    kind: 'string',
    default: 'auto',
    choices: ['auto', 'pretty', 'json'],
    help: 'Log lines for people or for machines; auto: pretty on a terminal',
  },
} as const satisfies Options;

const careOptions = {
  'disk.reserveMegabytes': {
    kind: 'integer',
    default: 64,
    min: 1,
    help: 'Free space below which writes get 507, so that acknowledgements and reads go on',
  },
  'scrub.hours': {
    kind: 'integer',
    default: 24,
    min: 0,
    max: 8760,
    help: 'Every file is read and checked once in so many hours; 0: never',
  },
  'scrub.megabytesPerSecond': { kind: 'integer', default: 20, min: 1, help: 'How fast checking reads at most' },
  'retention.hours': {
    kind: 'integer',
    default: 6,
    min: 0,
    max: 8760,
    help: 'How often records are removed that collections declare to be kept no longer; 0: only when asked',
  },
  'backup.directory': { kind: 'string', default: '', help: 'Where backups go; empty: backups in the data directory' },
  'backup.hours': {
    kind: 'integer',
    default: 0,
    min: 0,
    max: 8760,
    help: 'A backup every so many hours; 0: only when asked',
  },
  'backup.keep': { kind: 'integer', default: 7, min: 1, max: 10_000, help: 'Backups kept; older ones are removed' },
} as const satisfies Options;

const streamOptions = {
  'query.streamRecords': {
    kind: 'integer',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    help: 'Most records in one streamed answer; its end says how to go on',
  },
  'query.streamMegabytes': {
    kind: 'integer',
    default: 256,
    min: 1,
    max: 65_536,
    help: 'Most text in one streamed answer, roughly; its end says how to go on',
  },
} as const satisfies Options;

/** The daemon's options. */
export const nodeOptions = {
  'data.dir': {
    kind: 'string',
    default: '',
    help: 'Where the data lives; empty: $STATE_DIRECTORY, else $XDG_STATE_HOME/holdfast/node, else ~/.local/state/holdfast/node',
  },
  'listen.host': {
    kind: 'string',
    default: '127.0.0.1',
    choices: ['127.0.0.1', '::1', 'localhost'],
    help: 'Loopback address to listen on',
  },
  'listen.port': { kind: 'integer', default: 8002, min: 0, max: 65_535, help: 'TCP port; 0: any free one' },
  'listen.socket': {
    kind: 'string',
    default: '',
    help: 'Unix socket; empty: node.sock in the data directory; none: no socket',
  },
  'collections.directory': {
    kind: 'string',
    default: '',
    help: 'YAML files that declare collections for all agents; empty: collections in the data directory',
  },
  'files.open': { kind: 'integer', default: 64, min: 4, max: 10_000, help: 'Agent files held open at once' },
  'expiry.seconds': { kind: 'integer', default: 60, min: 1, help: 'How often expired records are swept away' },
  'cache.megabytes': { kind: 'integer', default: 32, min: 1, max: 65_536, help: 'Cached values held in memory' },
  'cache.diskMegabytes': {
    kind: 'integer',
    default: 256,
    min: 0,
    max: 1_048_576,
    help: 'Largest file of cached values, cache.db in the data directory; 0: none',
  },
  subscriptions: {
    kind: 'subscriptions',
    default: {},
    help: 'What this node keeps a copy of, by name: `collections`, and if wished `nodes`, `agents` and `resources`, each a list (docs/replicas.md); JSON in flag and variable',
  },
  'sync.lingerMilliseconds': {
    kind: 'integer',
    default: 2,
    min: 0,
    max: 5,
    help: 'How long a change waits for company before it is sent',
  },
  'sync.concurrency': { kind: 'integer', default: 4, min: 1, max: 64, help: 'Streams sent at once' },
  'sync.heartbeatSeconds': { kind: 'integer', default: 15, min: 1, max: 20, help: 'How often the session is renewed' },
  'sync.timeoutSeconds': { kind: 'integer', default: 30, min: 1, help: "Longest wait for the relay's answer" },
  ...streamOptions,
  ...careOptions,
  ...commitOptions,
  ...serviceOptions,
} as const satisfies Options;

/** The daemon's configuration. */
export type NodeConfig = ConfigOf<typeof nodeOptions>;

/** The relay's options. */
export const relayOptions = {
  'data.dir': {
    kind: 'string',
    default: '',
    help: 'Where the data lives; empty: $STATE_DIRECTORY, else $XDG_STATE_HOME/holdfast/relay, else ~/.local/state/holdfast/relay',
  },
  'listen.host': { kind: 'string', default: '127.0.0.1', help: 'Address to listen on; 0.0.0.0: the whole LAN' },
  'listen.port': { kind: 'integer', default: 8001, min: 0, max: 65_535, help: 'TCP port; 0: any free one' },
  'listen.hosts': {
    kind: 'list',
    default: [],
    help: 'Names and addresses, with port, by which nodes and operators call the relay, such as htpc.lan:8001',
  },
  'lease.seconds': {
    kind: 'integer',
    default: 60,
    min: 1,
    help: 'Silence after which another daemon start may take over a node',
  },
  'query.sharedAgents': {
    kind: 'list',
    default: [],
    help: "Agents that are one and the same on every node: a node that has such an agent may query what all nodes' agents of that name wrote; *: all agents; none: a node queries its own",
  },
  'query.sharedCollections': {
    kind: 'list',
    default: [],
    help: 'Collections of which agents of every node may read what all agents of their resource wrote; *: all; none: each reads its own',
  },
  'join.seconds': { kind: 'integer', default: 900, min: 1, max: 86_400, help: 'Life of a join token' },
  'expiry.seconds': { kind: 'integer', default: 60, min: 1, help: 'How often expired records are swept away' },
  'query.seconds': {
    kind: 'integer',
    default: 10,
    min: 1,
    max: 3600,
    help: 'Longest time a query may take, waiting for its turn included',
  },
  'query.processes': { kind: 'integer', default: 2, min: 1, max: 64, help: 'Queries that run at once' },
  ...streamOptions,
  ...careOptions,
  ...commitOptions,
  ...serviceOptions,
  'limits.connections': {
    kind: 'integer',
    default: 4096,
    min: 1,
    help: 'Open connections at once; each node holds four of them open, for calls, for channels and twice for the feed, and one for each of its subscriptions',
  },
  'limits.eventStreams': {
    kind: 'integer',
    default: 3072,
    min: 1,
    help: 'Event streams open at once, one for each node and each reader that follows the feed by events, each on one of `limits.connections`; beyond it 503',
  },
} as const satisfies Options;

/** The relay's configuration. */
export type RelayConfig = ConfigOf<typeof relayOptions>;

/** Group commit's bounds, as both services configure them. */
export type CommitConfig = ConfigOf<typeof commitOptions>;

/** Disk reserve, checking, retention and backups, as both services configure them. */
export type CareConfig = ConfigOf<typeof careOptions>;

/** How much one streamed answer holds, as both services configure it. */
export type StreamConfig = ConfigOf<typeof streamOptions>;

/** What the http layer needs to know, as both services configure it. */
export type ServiceConfig = ConfigOf<typeof serviceOptions>;

/** The services by name, as used in flags, files and variables. */
export const services = { node: nodeOptions, relay: relayOptions } as const;
