import { type Declaration, DECLARATIONS, documentOf, type Json, NO_RESOURCE, SHARED_AGENT } from '@holdfast/protocol';
import type { AgentStore } from '@holdfast/store';
import type { Logger } from 'pino';

/** A collection that the node's operator declares for every agent. */
export interface NodeDeclaration {
  readonly name: string;
  readonly declaration: Declaration;
}

/**
 * What declares the operator's collections in an agent's file whenever it is opened, ahead of anything else that is
 * written to it. An agent whose records or own declarations contradict one keeps what it has, and the log says so.
 */
export function declaresForAll(
  declarations: readonly NodeDeclaration[],
  log: Logger,
): (agent: string, store: AgentStore) => void {
  const wished = declarations.map(({ name, declaration }) => {
    const document = documentOf(declaration as Json, JSON.stringify(declaration));
    const operation = { op: 'put', collection: DECLARATIONS, id: name, document, expiresAtMs: null } as const;
    return { operation, isShared: declaration.conflict === 'shared' };
  });
  return (agent, store) => {
    for (const { operation, isShared } of wished) {
      // What is shared is declared once, for all agents of the network.
      if (isShared !== (agent === SHARED_AGENT)) continue;
      const { id: collection, document } = operation;
      if (store.read(NO_RESOURCE, DECLARATIONS, collection)?.text === document.text) continue;
      store
        .write({ resource: NO_RESOURCE, operations: [operation] })
        .then(() => log.info({ agent, collection }, 'declared, as the node has it'))
        .catch((error: unknown) => log.warn({ err: error, agent, collection }, 'cannot be declared for this agent'));
    }
  };
}
