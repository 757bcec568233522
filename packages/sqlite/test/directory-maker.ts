/** Makes the directory named and prints why that is refused. */
import { isHoldfastError } from '@holdfast/protocol';
import { ensurePrivateDirectory } from '@holdfast/sqlite';

try {
  ensurePrivateDirectory(process.argv[2] ?? '');
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  process.stdout.write(`${error.code}: ${error.message}\n`);
}
