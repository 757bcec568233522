/** What became of records that the relay told of, in numbers. All but `accepted` tell of a difference. */
export interface Settlement {
  /** The relay's were newer, or not here at all: taken over. */
  readonly taken: number;
  /** Ours were written later, or other content of the same version: they got a version above the relay's, and wait. */
  readonly renewed: number;
  /** The relay had older ones than it had acknowledged, or none: they wait once more. */
  readonly resent: number;
  /** The relay holds what it had rejected: they are dead letters no more. */
  readonly accepted: number;
  /** The relay's were not what their content hash says, and nothing here could take their place: left out. */
  readonly broken: number;
  /** Removed here by retention, and what the relay had acknowledged is not there any more, or not known to be: nobody has it. */
  readonly gone: number;
  /** Buckets of which the relay counts what was removed there and is not known here: counted alike from now on. No difference. */
  readonly unknown: number;
}

/** Nothing became of anything. */
export const NO_SETTLEMENT: Settlement = Object.freeze({
  taken: 0,
  renewed: 0,
  resent: 0,
  accepted: 0,
  broken: 0,
  gone: 0,
  unknown: 0,
});

/** Two settlements as one. */
export function addSettlements(one: Settlement, other: Settlement): Settlement {
  return {
    taken: one.taken + other.taken,
    renewed: one.renewed + other.renewed,
    resent: one.resent + other.resent,
    accepted: one.accepted + other.accepted,
    broken: one.broken + other.broken,
    gone: one.gone + other.gone,
    unknown: one.unknown + other.unknown,
  };
}
