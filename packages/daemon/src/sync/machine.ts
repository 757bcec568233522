/** Where an event leads from a state, and what is to be done on the way. */
export interface Transition<State, Effect> {
  readonly to: State;
  readonly effects: readonly Effect[];
}

/** Every state answers every event: a missing cell is a type error. */
export type TransitionTable<State extends string, Event extends string, Effect> = {
  readonly [S in State]: { readonly [E in Event]: Transition<State, Effect> };
};

/** A cell of a table. */
export function go<State, Effect>(to: State, ...effects: readonly Effect[]): Transition<State, Effect> {
  return { to, effects };
}
