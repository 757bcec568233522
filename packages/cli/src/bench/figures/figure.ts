import type { Reading } from '../reading.ts';
import type { Scale } from '../scale.ts';
import type { Surroundings } from '../surroundings.ts';

/** What a measurement works with. */
export interface Setting {
  readonly surroundings: Surroundings;
  readonly scale: Scale;
}

/** One thing the bench measures. */
export interface Figure {
  /** As `--only` takes it: `write.single`. */
  readonly name: string;
  /** One line of what it is, for `--help`. */
  readonly help: string;
  /** Measures it; throws CommandError if it cannot. Cleans up after itself, but for files in the directory. */
  readonly measure: (setting: Setting) => Promise<readonly Reading[]>;
}
