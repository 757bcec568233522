import type { Damage, FileMark } from '../storage/file-marks.ts';

/** What is known of an agent's file while the daemon runs; of the first six the node's database has what it needs. */
export interface Known {
  incarnation: string | null;
  seq: number;
  putBackAtMs: number | null;
  damage: Damage | null;
  setAside: string | null;
  restoring: string | null;
  isMissing: boolean;
  /** What was odd about it when it was opened; null: nothing. */
  oddity: string | null;
}

/** What the node's database had noted. */
export function knownOf({ incarnation, seq, putBackAtMs, damage, setAside: name, restoring }: FileMark): Known {
  return { ...nothingKnown(), incarnation, seq, putBackAtMs, damage, setAside: name, restoring };
}

/** Of a file that was never opened. */
export function nothingKnown(): Known {
  return {
    incarnation: null,
    seq: 0,
    putBackAtMs: null,
    damage: null,
    setAside: null,
    restoring: null,
    isMissing: false,
    oddity: null,
  };
}
