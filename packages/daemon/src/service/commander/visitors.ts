import { invalidRequest, type Json, type PeerCallName, peerCalls } from '@holdfast/protocol';

import type { Visitor } from './peer.ts';
import type { Post } from './post.ts';
import type { TaskDesk } from './task-desk.ts';

/** Does what an agent of another node asks for. Throws HoldfastError to refuse. */
type VisitorHandler = (visitor: Visitor, body: unknown) => Promise<Json>;

/** What agents of other nodes may ask of this one, by name. Each throws `invalid-request` for a body that it does not understand. */
export function visitorHandlers(
  desks: () => { readonly tasks: TaskDesk; readonly post: Post },
): Readonly<Record<PeerCallName, VisitorHandler>> {
  return {
    'task.claim': (visitor, body) => {
      const { agent, ...wish } = parsed('task.claim', body);
      return desks().tasks.claimFor(visitor, agent, wish);
    },
    'task.report': (visitor, body) => {
      const { agent, ...said } = parsed('task.report', body);
      return desks().tasks.reportFor(visitor, agent, said);
    },
    'mail.address': async (_visitor, body) => {
      desks().post.assertAddress(parsed('mail.address', body).agent);
      return null;
    },
  };
}

function parsed<Name extends PeerCallName>(name: Name, body: unknown): ReturnType<(typeof peerCalls)[Name]['parse']> {
  const { success, data, error } = peerCalls[name].safeParse(body);
  if (!success) throw invalidRequest(name, error);
  return data as ReturnType<(typeof peerCalls)[Name]['parse']>;
}
