import type { JsonObject } from '@holdfast/protocol';
import type { SeededRandom } from '@holdfast/testkit';

const NAMES = ['Ada Okafor', 'Zoë Lindqvist', 'Jiří Novák', '山田 陽子', "Siobhán O'Shea", '🚀 "quoted" \\ name'];

/** A made-up document of 100 to 2,000 characters: nested, beyond ASCII, with numbers that are easily spoiled. */
export function sampleDocument(random: SeededRandom, number: number): JsonObject {
  const words = Array.from({ length: random.integer(2, 60) }, () => random.pick(NAMES));
  return {
    name: random.pick(NAMES),
    number,
    status: random.pick(['new', 'active', 'offered']),
    score: random.next(),
    figures: { tiny: 5e-324, large: 2 ** 53 - 1, negative: -0.1, list: [[], {}, null, true] },
    '10': 'a key that looks like a number',
    text: words.join('\n\t'),
  };
}
