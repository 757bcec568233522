import type { StatusSources } from '../node-status.ts';
import type { Records } from '../records.ts';
import { Post } from './post.ts';
import { Registry } from './registry.ts';
import { TaskDesk } from './task-desk.ts';
import { TaskQueue } from './task-queue.ts';
import type { TaskWakes } from './task-wakes.ts';

/** What agents lead each other with: tasks, the registry, letters. */
export interface Commander {
  readonly tasks: TaskDesk;
  readonly registry: Registry;
  readonly post: Post;
}

/** Puts together what agents lead each other with. */
export function assembleCommander(
  { database, agents, files, custody, sync, now }: StatusSources,
  records: Pick<Records, 'page' | 'transact'>,
  wakes: TaskWakes,
): Commander {
  const reach = {
    thisNode: () => database.enrolment?.name ?? null,
    agents,
    call: (...asked: Parameters<typeof sync.call>) => sync.call(...asked),
    hears: () => sync.followers.statusOf('addressed').state === 'following',
  };
  const entryOf = ({ agent, resource }: { readonly agent: string; readonly resource: string }): string | undefined =>
    custody.stateOf(agent) === 'ok' ? files.get(agent).read(resource, 'agents', agent)?.text : undefined;
  return {
    tasks: new TaskDesk(new TaskQueue(records, now), reach, wakes),
    registry: new Registry({ records, agents, entryOf, now }),
    post: new Post({ records, reach, now }),
  };
}
