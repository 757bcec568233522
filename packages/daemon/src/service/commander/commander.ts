import type { Now } from '@holdfast/protocol';
import type { DiskWatch } from '@holdfast/sqlite';
import type { AgentFiles } from '@holdfast/store';

import type { Records } from '../records.ts';
import type { Reach } from './peer.ts';
import { Post } from './post.ts';
import { Registry } from './registry.ts';
import { TaskDesk } from './task-desk.ts';
import { TaskQueue } from './task-queue.ts';
import { Transactions } from './transactions.ts';

/** What agents lead each other with: tasks, the registry, letters. */
export interface Commander {
  readonly tasks: TaskDesk;
  readonly registry: Registry;
  readonly post: Post;
}

/** What it is made of. */
export interface CommanderOptions {
  readonly files: AgentFiles;
  readonly disk: Pick<DiskWatch, 'assertRoom'>;
  readonly records: Pick<Records, 'query'>;
  readonly agents: Reach['agents'] & { readonly names: readonly string[] };
  /** Whether an agent's file serves now. */
  readonly serves: (agent: string) => boolean;
  readonly reach: Omit<Reach, 'agents'>;
  readonly now: Now;
}

/** Puts together what agents lead each other with. */
export function assembleCommander(options: CommanderOptions): Commander {
  const { files, disk, records, agents, serves, now } = options;
  const transactions = new Transactions({ files, disk });
  const reach = { ...options.reach, agents };
  const entryOf: ConstructorParameters<typeof Registry>[0]['entryOf'] = ({ agent, resource }) =>
    serves(agent) ? files.get(agent).read(resource, 'agents', agent)?.text : undefined;
  const tasks = new TaskDesk(new TaskQueue(transactions, now), reach);
  const registry = new Registry({ transactions, agents, entryOf, now });
  const post = new Post({ transactions, query: (...asked) => records.query(...asked), reach, now });
  return { tasks, registry, post };
}
