import type { ServiceKind } from './manifest.ts';

/** A file to back up. */
export interface SourceFile {
  /** Its place in the data directory and in the backup. */
  readonly path: string;
  /** Room its copy may need. */
  readonly bytes: number;
  /**
   * Writes a consistent copy to a new file. Throws `file-damaged` or `agent-restoring` when there is nothing to copy; for an
   * agent's file that is told in the manifest, any other failure ends the backup. What `onProgress` throws ends the copy.
   */
  copyTo(path: string, onProgress: () => void): Promise<void>;
}

/** What a backup is made of. */
export interface BackupSource {
  readonly service: ServiceKind;
  /** Whose backups they are: those of another owner never go to the same directory. */
  readonly owner: string;
  /**
   * The files there are now. The service's own database comes first: what it says about the others may be older than they
   * are, never newer.
   */
  files(): readonly SourceFile[];
  /**
   * The copy of an agent's file is damaged: looks at the file itself, at once. True when another backup will be without
   * that damage: the file was damaged too and is left out from now on, or it is sound again.
   */
  readonly lookAgain?: (agent: string, signal: AbortSignal) => Promise<boolean>;
}
