import type { Command } from 'commander';

/** A command by name, and how to load it when it is called. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every command, in the order of help: setting up, data, looking after it, trying it out. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'prepare a data directory, an admin token and a configuration file',
    load: async () => (await import('./commands/init.ts')).initCommand(),
  },
  {
    name: 'relay',
    summary: 'run the relay in the foreground',
    load: async () => (await import('./commands/serve.ts')).serveCommand('relay'),
  },
  {
    name: 'node',
    summary: "run this machine's daemon in the foreground",
    load: async () => (await import('./commands/serve.ts')).serveCommand('node'),
  },
  {
    name: 'invite',
    summary: 'make a join token for a node (on the relay)',
    load: async () => (await import('./commands/invite.ts')).inviteCommand(),
  },
  {
    name: 'join',
    summary: 'enrol this node at a relay',
    load: async () => (await import('./commands/join.ts')).joinCommand(),
  },
  {
    name: 'adopt',
    summary: 'take over a node whose machine is gone',
    load: async () => (await import('./commands/adopt.ts')).adoptCommand(),
  },
  {
    name: 'agent',
    summary: 'create and list agents, make and revoke their tokens',
    load: async () => (await import('./commands/agent.ts')).agentCommand(),
  },
  {
    name: 'token',
    summary: 'make a token for a person or tool (on the relay)',
    load: async () => (await import('./commands/token.ts')).tokenCommand(),
  },
  {
    name: 'put',
    summary: 'write a record',
    load: async () => (await import('./commands/put.ts')).putCommand(),
  },
  {
    name: 'get',
    summary: 'read a record',
    load: async () => (await import('./commands/get.ts')).getCommand(),
  },
  {
    name: 'delete',
    summary: 'delete a record',
    load: async () => (await import('./commands/delete.ts')).deleteCommand(),
  },
  {
    name: 'query',
    summary: 'find or count records, here or over the network',
    load: async () => (await import('./commands/query.ts')).queryCommand(),
  },
  {
    name: 'collection',
    summary: 'list collections, declare and show their fields, indexes and search',
    load: async () => (await import('./commands/collection.ts')).collectionCommand(),
  },
  {
    name: 'context',
    summary: 'share values with the agents of all nodes, and follow them',
    load: async () => (await import('./commands/context.ts')).contextCommand(),
  },
  {
    name: 'watch',
    summary: 'follow a collection that the agents of all nodes share',
    load: async () => (await import('./commands/watch.ts')).watchCommand(),
  },
  {
    name: 'subscription',
    summary: 'keep copies of what other agents write, for reading off-line',
    load: async () => (await import('./commands/subscription.ts')).subscriptionCommand(),
  },
  {
    name: 'task',
    summary: 'make, claim and follow tasks',
    load: async () => (await import('./commander/task-command.ts')).taskCommand(),
  },
  {
    name: 'lock',
    summary: 'take, renew and release locks, or run a command under one',
    load: async () => (await import('./locks/lock-command.ts')).lockCommand(),
  },
  {
    name: 'registry',
    summary: "see what the node's agents do",
    load: async () => (await import('./commander/registry-command.ts')).registryCommand(),
  },
  {
    name: 'mail',
    summary: 'send and read letters between agents',
    load: async () => (await import('./commander/mail-command.ts')).mailCommand(),
  },
  {
    name: 'channel',
    summary: 'publish to whoever listens now, or later too; listen, see who does',
    load: async () => (await import('./commander/channel-command.ts')).channelCommand(),
  },
  {
    name: 'leaderboard',
    summary: 'see which agents have the most points',
    load: async () => (await import('./commander/leaderboard-command.ts')).leaderboardCommand(),
  },
  {
    name: 'cache',
    summary: 'read, put and invalidate cached values, see how often they are found',
    load: async () => (await import('./commands/cache.ts')).cacheCommand(),
  },
  {
    name: 'limit',
    summary: 'take from a rate limit',
    load: async () => (await import('./commands/limit.ts')).limitCommand(),
  },
  {
    name: 'session',
    summary: "begin, check and end users' sessions",
    load: async () => (await import('./commands/session.ts')).sessionCommand(),
  },
  {
    name: 'sql',
    summary: 'ask the relay in SQL',
    load: async () => (await import('./commands/sql.ts')).sqlCommand(),
  },
  {
    name: 'import',
    summary: 'bring in data from elsewhere',
    load: async () => (await import('./commands/import.ts')).importCommand(),
  },
  {
    name: 'recruiter',
    summary: 'find and match candidates, follow interviews and messages',
    load: async () => (await import('./recruiter/command.ts')).recruiterCommand(),
  },
  {
    name: 'status',
    summary: 'show how node and relay are doing',
    load: async () => (await import('./commands/status.ts')).statusCommand(),
  },
  {
    name: 'dead-letters',
    summary: 'list, show, retry and drop changes that were refused',
    load: async () => (await import('./commands/dead-letters.ts')).deadLettersCommand(),
  },
  {
    name: 'statistics',
    summary: 'show how much collections hold and grow',
    load: async () => (await import('./commands/statistics.ts')).statisticsCommand(),
  },
  {
    name: 'retention',
    summary: 'remove what collections declare to be kept no longer',
    load: async () => (await import('./commands/retention.ts')).retentionCommand(),
  },
  {
    name: 'backup',
    summary: 'take, list and verify backups',
    load: async () => (await import('./commands/backup.ts')).backupCommand(),
  },
  {
    name: 'restore',
    summary: 'put a node, relay or agent back',
    load: async () => (await import('./commands/restore.ts')).restoreCommand(),
  },
  {
    name: 'migrate',
    summary: 'show and change the schemas of a stopped node or relay',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand(),
  },
  {
    name: 'config',
    summary: 'show each configuration value and where it came from',
    load: async () => (await import('./commands/config.ts')).configCommand(),
  },
  {
    name: 'doctor',
    summary: 'check this machine and what runs on it',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  },
  {
    name: 'demo',
    summary: 'see it all work in a temporary folder',
    load: async () => (await import('./demo/command.ts')).demoCommand(),
  },
  {
    name: 'bench',
    summary: 'measure speed and memory on this machine',
    load: async () => (await import('./bench/command.ts')).benchCommand(),
  },
];
