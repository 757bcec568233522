import {
  type Declaration,
  DECLARATIONS,
  documentOf,
  type Json,
  NO_RESOURCE,
  readDeclaration,
} from '@holdfast/protocol';
import type { AgentStore } from '@holdfast/store';
import type { Logger } from 'pino';

/** A collection that the node's operator declares for every agent. */
export interface NodeDeclaration {
  readonly name: string;
  /** As it was written; `schema` may stand for `fields`. */
  readonly declaration: Json;
}

/**
 * What declares the operator's collections in an agent's file whenever it is opened, ahead of anything else that is
 * written to it. An agent whose records or own declarations contradict one keeps what it has, and the log says so. Throws what
 * `readDeclaration` throws.
 */
export function declaresForAll(
  declarations: readonly NodeDeclaration[],
  log: Logger,
): (agent: string, store: AgentStore) => void {
  const read = declarations.map(({ name, declaration }) => ({ name, declaration: readDeclaration(name, declaration) }));
  return (agent, store) => {
    for (const { name, declaration } of read) {
      const text = JSON.stringify(declaration);
      if (store.read(NO_RESOURCE, DECLARATIONS, name)?.text !== text)
        declare(store, { name, declaration, text }, agent);
    }
  };

  function declare(
    store: AgentStore,
    { name, declaration, text }: { name: string; declaration: Declaration; text: string },
    agent: string,
  ): void {
    const document = documentOf(declaration as Json, text);
    const operation = { op: 'put', collection: DECLARATIONS, id: name, document, expiresAtMs: null } as const;
    store
      .write({ resource: NO_RESOURCE, operations: [operation] })
      .then(() => log.info({ agent, collection: name }, 'declared, as the node has it'))
      .catch((error: unknown) =>
        log.warn({ err: error, agent, collection: name }, 'cannot be declared for this agent'),
      );
  }
}
