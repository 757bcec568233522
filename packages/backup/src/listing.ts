import type { Backup } from '@holdfast/protocol';

import { listBackups, type StoredBackup } from './archive.ts';
import { timeOf } from './write-backup.ts';

/** The backups in a directory as they are shown, newest first. One whose manifest cannot be read has no files. */
export async function backupsIn(directory: string): Promise<Backup[]> {
  return (await listBackups(directory)).map(shown);
}

function shown({ id, manifest, verifiedAt, damagedRecords }: StoredBackup): Backup {
  const files = manifest?.files ?? [];
  return {
    id,
    made_at: manifest?.made_at ?? timeOf(id),
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    new_bytes: manifest?.new_bytes ?? 0,
    verified_at: verifiedAt,
    missing: [...(manifest?.missing ?? [])],
    damaged_records: [...damagedRecords],
  };
}
