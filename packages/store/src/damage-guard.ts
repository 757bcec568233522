import { type HoldfastError, isHoldfastError } from '@holdfast/protocol';
import { isDamage, type StorageGuard } from '@holdfast/sqlite';

/**
 * Stands between one file and those who use it: tells of damage wherever it is met, and once the file was given up
 * lets nothing be written to it any more. All else is left to the guard behind it.
 */
export class DamageGuard implements StorageGuard {
  readonly #behind: StorageGuard;
  readonly #onDamage: (error: unknown) => HoldfastError;
  #refusal: HoldfastError | undefined;

  /** `onDamage` is told of damage and gives what the caller gets instead. */
  constructor(behind: StorageGuard, onDamage: (error: unknown) => HoldfastError) {
    this.#behind = behind;
    this.#onDamage = onDamage;
  }

  /** From now on every transaction is refused with `error`. */
  refuse(error: HoldfastError): void {
    this.#refusal ??= error;
  }

  assertSound(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#behind.assertSound();
  }

  translate(error: unknown, what: string, file: string): unknown {
    if (error === this.#refusal) return error;
    // What cannot be what was written is damage too, though SQLite read it without a word.
    const isFound = isDamage(error) || isHoldfastError(error, 'file-damaged');
    return isFound ? this.#onDamage(error) : this.#behind.translate(error, what, file);
  }
}
