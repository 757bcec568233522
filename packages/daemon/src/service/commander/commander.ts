import type { StatusSources } from '../node-status.ts';
import type { Records } from '../records.ts';
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

/** Puts together what agents lead each other with. */
export function assembleCommander(
  { database, agents, files, custody, sync, disk, now }: StatusSources,
  records: Pick<Records, 'query'>,
): Commander {
  const transactions = new Transactions({ files, disk });
  const reach = {
    thisNode: () => database.enrolment?.name ?? null,
    agents,
    call: (...asked: Parameters<typeof sync.call>) => sync.call(...asked),
  };
  const entryOf = ({ agent, resource }: { readonly agent: string; readonly resource: string }): string | undefined =>
    custody.stateOf(agent) === 'ok' ? files.get(agent).read(resource, 'agents', agent)?.text : undefined;
  return {
    tasks: new TaskDesk(new TaskQueue(transactions, now), reach),
    registry: new Registry({ transactions, agents, entryOf, now }),
    post: new Post({ transactions, query: (...asked) => records.query(...asked), reach, now }),
  };
}
