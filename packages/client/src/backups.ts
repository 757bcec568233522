import type { Backups } from '@holdfast/protocol';

/** The backups of a service; its admins only. */
export interface BackupsClient {
  /** The backups there are, the one being made, and why the last one failed. */
  list(): Promise<Backups>;
  /** Begins a backup of everything there; `list` tells how far it is. */
  start(): Promise<Backups>;
}
