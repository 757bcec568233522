import { lchownSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Gives `path`, and all that is in it, to the user `directory` belongs to, after root made it. Others make what is theirs. */
export async function giveToOwner(path: string, directory: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(directory);
  if (uid === 0) return;
  lchownSync(path, uid, gid);
  if (!(await stat(path)).isDirectory()) return;
  for (const name of await readdir(path, { recursive: true })) lchownSync(join(path, name), uid, gid);
}
