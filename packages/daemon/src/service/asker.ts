import { type NetworkQuery, NO_RESOURCE } from '@holdfast/protocol';

/** Who asks for records of many agents, as their token and headers say. */
export interface Asker {
  /** Null: the node's admin, who names no agent. */
  readonly agent: string | null;
  readonly resource: string;
  /** Whether the token is bound to that resource. */
  readonly isBound: boolean;
}

/** A query narrowed to the resources somebody may read: whose records they may read is for who has them to say. */
export function narrowed(query: NetworkQuery, { agent, resource, isBound }: Asker): NetworkQuery {
  const { resources } = query;
  if (isBound || resource !== NO_RESOURCE) return { ...query, resources: within(resources, resource) };
  // As everywhere, an agent's request that names no resource means the records without one; the query may name others.
  return agent === null || resources !== undefined ? query : { ...query, resources: [NO_RESOURCE] };
}

function within(wished: readonly string[] | undefined, only: string): string[] {
  return wished === undefined || wished.includes(only) ? [only] : [];
}
