import { posix } from 'node:path';

import { importsOf } from '../source.ts';
import { listPackages, listSources, readManifest } from '../workspace.ts';
import type { Gate } from './gate.ts';

/** File by file, what it imports; both by path from the root. */
type Graph = ReadonlyMap<string, readonly string[]>;

/** No file imports itself through others, not even for types only. */
export const cycles: Gate = {
  name: 'cycles',
  summary: 'no import cycles, type-only imports counted, across packages too',
  load: 'light',
  async run(root) {
    const sources = await listSources(root);
    const entries = new Map(listPackages(root).map((name) => [readManifest(root, `packages/${name}`).name, name]));
    const graph = new Map<string, readonly string[]>();
    const unresolved: string[] = [];
    for (const file of sources) {
      const targets = importsOf(file.path, file.text()).flatMap(({ specifier }) => {
        return resolve(file.path, specifier, entries);
      });
      graph.set(file.path, targets);
    }
    for (const [path, targets] of graph) {
      const missing = targets.filter((target) => target.endsWith('.ts') && !graph.has(target));
      unresolved.push(...missing.map((target) => `${path}: imports ${target}, which is not there`));
    }
    const found = findCycles(graph).map((files) => `cycle: ${[...files, files[0]].join(' → ')}`);
    return { examined: sources.length, problems: [...found, ...unresolved] };
  },
};

function resolve(from: string, specifier: string, entries: ReadonlyMap<string, string>): readonly string[] {
  if (specifier.startsWith('.')) return [posix.join(posix.dirname(from), specifier)];
  const name = entries.get(specifier);
  return name === undefined ? [] : [`packages/${name}/src/index.ts`];
}

/** The strongly connected components of more than one file, and files that import themselves (Tarjan 1972). */
function findCycles(graph: Graph): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    low.set(file, index);
    stack.push(file);
    for (const target of graph.get(file) ?? []) {
      const reached = order.has(target)
        ? stack.includes(target)
          ? (order.get(target) ?? index)
          : index
        : visit(target);
      low.set(file, Math.min(low.get(file) ?? index, reached));
    }
    const lowest = low.get(file) ?? index;
    if (lowest === index) {
      const component = stack.splice(stack.indexOf(file));
      if (component.length > 1 || graph.get(file)?.includes(file)) found.push(component);
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return found;
}
