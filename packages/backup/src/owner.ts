import { lchownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Gives `path`, and all that is in it, to the user `directory` belongs to, after root made it; links are not followed. Others
 * make what is theirs.
 */
export function giveToOwner(path: string, directory: string): void {
  if (process.getuid?.() !== 0) return;
  const owner = statSync(directory);
  if (owner.uid !== 0) give(path, owner);
}

// Node's own recursion follows links, and that user may have put one there.
function give(path: string, { uid, gid }: Owner): void {
  lchownSync(path, uid, gid);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) give(join(path, name), { uid, gid });
}
