/** A number between 0 and 1 that looks like chance and is the same for the same two numbers in every run. */
export function chance(index: number, use: number): number {
  let bits = Math.imul(index + 1, 0x9e37_79b1) ^ Math.imul(use + 1, 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 15), 0xc2b2_ae35);
  bits = Math.imul(bits ^ (bits >>> 13), 0x27d4_eb2f);
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}

const SYLLABLES =
  'ba be bi bo da de di do ka ke ki ko la le li lo ma me mi mo na ne ni no ra re ri ro sa se si so'.split(' ');

/** A word of three or more syllables; every number has its own. */
export function wordOf(number: number): string {
  const digits = (number + SYLLABLES.length ** 2).toString(SYLLABLES.length);
  return Array.from(digits, (digit) => SYLLABLES[Number.parseInt(digit, SYLLABLES.length)]).join('');
}
