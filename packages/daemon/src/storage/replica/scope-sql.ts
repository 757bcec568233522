import { oneOf } from '@holdfast/network';
import { DECLARATIONS, NO_RESOURCE, type SubscriptionScope } from '@holdfast/protocol';
import { all, any, sql, type Sql } from '@holdfast/store';

/**
 * Holds for the records of a subscription, and for what their agents declared of its collections, without which queries would not know
 * their fields. In SQL over `records` and `agents`.
 */
export function within(scope: SubscriptionScope): Sql {
  const { collections } = scope;
  const declarations = sql('collection = ? AND resource = ?', DECLARATIONS, NO_RESOURCE);
  return any([asked(scope), all([declarations, oneOf('records.id', collections), ...byAgents(scope)])]);
}

/** Holds for the records of a subscription themselves. In SQL over `records` and `agents`. */
export function asked(scope: SubscriptionScope): Sql {
  const { collections, resources } = scope;
  return all([
    oneOf('collection', collections),
    ...(resources === undefined ? [] : [oneOf('resource', resources)]),
    ...byAgents(scope),
  ]);
}

function byAgents({ nodes, agents }: SubscriptionScope): Sql[] {
  return [
    ...(nodes === undefined ? [] : [oneOf('node', nodes)]),
    ...(agents === undefined ? [] : [oneOf('agent', agents)]),
  ];
}
