import { testsOf } from '../source.ts';
import { listFiles, listTests } from '../workspace.ts';
import type { Gate } from './gate.ts';

const PAGE = 'docs/invariants.md';

/** One invariant as the page has it. */
interface Invariant {
  readonly number: string;
  /** `path/to/file.test.ts: title`, as written. */
  readonly tests: readonly string[];
}

/**
 * Each invariant of the page names tests that exist, and each test marked `[I3]` is named by invariant 3. An entry
 * starts with its number (`3. `, `**I3**`, `## I3`); a test stands in backticks as `path: title`, where the title may be
 * the test's own or the full one with its groups (`group > title`).
 */
export const invariants: Gate = {
  name: 'invariants',
  summary: `${PAGE} and the tests name each other`,
  load: 'light',
  async run(root) {
    const page = (await listFiles(root)).find(({ path }) => path === PAGE);
    if (page === undefined) return { examined: 0, problems: [`${PAGE} is not there`] };
    const entries = readPage(page.text());
    const known = await knownTests(root);
    const missing = entries.flatMap(({ number, tests }) => {
      const gone = tests.filter((test) => !known.has(test)).map((test) => `I${number}: no such test: ${test}`);
      return tests.length === 0 ? [`I${number}: names no test`] : gone;
    });
    return { examined: entries.length, problems: [...missing, ...findUnlisted(entries, known)] };
  },
};

function readPage(text: string): readonly Invariant[] {
  const starts = [...text.matchAll(/^(?:#+\s+|[-*]\s+)?(?:\*\*)?(?:I(?<tagged>\d+)\b|(?<plain>\d+)\.\s)/gm)];
  return starts.map((start, index) => {
    const entry = text.slice(start.index, starts[index + 1]?.index);
    const tests = [...entry.matchAll(/`(?<test>[\w./-]+\.test\.ts: [^`]+)`/g)].map(
      ({ groups }) => groups?.['test'] ?? '',
    );
    return { number: start.groups?.['tagged'] ?? start.groups?.['plain'] ?? '', tests };
  });
}

/** Every test as `path: title` and `path: full name`, with its own title. */
async function knownTests(root: string): Promise<ReadonlyMap<string, string>> {
  const known = new Map<string, string>();
  for (const file of await listTests(root)) {
    for (const { title, fullName } of testsOf(file.path, file.text())) {
      known.set(`${file.path}: ${title}`, fullName);
      known.set(`${file.path}: ${fullName}`, fullName);
    }
  }
  return known;
}

function findUnlisted(entries: readonly Invariant[], known: ReadonlyMap<string, string>): readonly string[] {
  const listed = new Set(
    entries.flatMap(({ number, tests }) => tests.map((test) => `${number} ${nameIn(known, test)}`)),
  );
  const tests = new Set([...known].map(([key, fullName]) => `${key.slice(0, key.indexOf(': '))}: ${fullName}`));
  return [...tests].flatMap((test) => {
    const tags = [...test.matchAll(/\[I(?<number>\d+)\]/g)].map(({ groups }) => groups?.['number'] ?? '');
    return tags.filter((tag) => !listed.has(`${tag} ${test}`)).map((tag) => `${PAGE}: I${tag} does not name ${test}`);
  });
}

function nameIn(known: ReadonlyMap<string, string>, test: string): string {
  return `${test.slice(0, test.indexOf(': '))}: ${known.get(test) ?? ''}`;
}
