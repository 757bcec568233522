import type { daemonRoutes, DaemonRouteId, TaskReport } from '@holdfast/protocol';
import type { Handlers } from '@holdfast/http';

import { requestFingerprint } from '../service/records.ts';
import type { Commander } from '../service/commander/commander.ts';
import { type DaemonCaller, scopeOf } from './caller.ts';
import { idempotencyOf } from './write-headers.ts';

type CommanderRouteId = Extract<DaemonRouteId, `task.${string}` | `registry.${string}` | `mail.${string}`>;
type CommanderHandlers = Handlers<Pick<typeof daemonRoutes, CommanderRouteId>, DaemonCaller>;
type HandlersOf<Prefix extends string> = Pick<CommanderHandlers, Extract<CommanderRouteId, `${Prefix}.${string}`>>;

/** Answers the calls about tasks, the registry and letters. */
export function commanderHandlers(commander: Commander): CommanderHandlers {
  return { ...taskHandlers(commander), ...registryHandlers(commander), ...mailHandlers(commander) };
}

function taskHandlers({ tasks }: Commander): HandlersOf<'task'> {
  const report = async (
    call: { identity: DaemonCaller; params: { id: string }; signal: AbortSignal },
    from: string | undefined,
    said: TaskReport,
  ) => ({ json: await tasks.report(scopeOf(call.identity), from, { id: call.params.id, report: said }, call.signal) });
  return {
    'task.claim': async ({ identity, body: { value }, header, signal }) => {
      const { from, wait_seconds: waitSeconds = 0, ...wish } = value;
      // How long it waits does not make it another claim: who ended a wait asks once more without.
      const wished = JSON.stringify({ from, ...wish });
      const { idempotency } = idempotencyOf(header, () => requestFingerprint('task.claim', wished));
      const asked = { from, wish: { ...wish, idempotency }, waitMs: waitSeconds * 1000 };
      return { json: { task: await tasks.claim(scopeOf(identity), asked, signal) } };
    },
    'task.heartbeat': (call) => {
      const { from, ...said } = call.body.value;
      return report(call, from, { kind: 'heartbeat', ...said });
    },
    'task.complete': (call) => {
      const { from, ...said } = call.body.value;
      return report(call, from, { kind: 'complete', ...said });
    },
    'task.fail': (call) => {
      const { from, ...said } = call.body.value;
      return report(call, from, { kind: 'fail', ...said });
    },
    'task.release': (call) => {
      const { from, ...said } = call.body.value;
      return report(call, from, { kind: 'release', ...said });
    },
  };
}

function registryHandlers({ registry }: Commander): HandlersOf<'registry'> {
  return {
    'registry.heartbeat': async ({ identity, body }) => ({
      json: await registry.heartbeat(scopeOf(identity), body.value),
    }),
    'registry.list': ({ identity, query }) => ({
      json: { agents: registry.list(scopeOf(identity).resource, query.capability) },
    }),
  };
}

function mailHandlers({ post }: Commander): HandlersOf<'mail'> {
  return {
    'mail.send': async ({ identity, body: { value, source }, header, signal }) => {
      const { to, ...letter } = value;
      const { idempotency } = idempotencyOf(header, () => requestFingerprint('mail.send', source));
      return { json: await post.send(scopeOf(identity), to, { ...letter, idempotency }, signal) };
    },
    'mail.inbox': ({ identity, query }) => ({ json: post.inbox(scopeOf(identity), query) }),
    'mail.read': async ({ identity, params }) => ({ json: await post.read(scopeOf(identity), params.id) }),
  };
}
