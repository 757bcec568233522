import { availableParallelism } from 'node:os';

import type { Canary } from '../canaries/canary.ts';
import { codeCanaries } from '../canaries/code.ts';
import { copyWorkspace } from '../canaries/copy.ts';
import { faultCanaries } from '../canaries/faults.ts';
import { simulationCanaries } from '../canaries/simulation.ts';
import { testCanaries } from '../canaries/tests.ts';
import { workspaceCanaries } from '../canaries/workspace.ts';
import { gates } from './all.ts';
import { type Gate, runGate } from './gate.ts';

const canaryList: readonly Canary[] = [
  ...codeCanaries,
  ...workspaceCanaries,
  ...testCanaries,
  ...simulationCanaries,
  ...faultCanaries,
];

/** Every gate can fail: on a seeded violation, which it names, and on a workspace with nothing in it. */
export const canaries: Gate = {
  name: 'canaries',
  summary: 'every gate is red on a seeded violation and on an empty workspace',
  load: 'heavy',
  async run(root) {
    const trials = [
      ...canaryList.map((canary) => async () => tryCanary(root, canary)),
      ...gates.map((gate) => async () => tryHollow(root, gate)),
      async () => tryBlindGate(root),
    ];
    const uncovered = gates.filter(({ name }) => !canaryList.some(({ gate }) => gate === name));
    const problems = uncovered.map(({ name }) => `gate ${name} has no canary`);
    problems.push(...(await runTrials(trials)));
    return { examined: trials.length, problems };
  },
};

/** Seeds a violation and gives what the gate did not say about it. */
async function tryCanary(root: string, canary: Canary, gate = gateOf(canary)): Promise<readonly string[]> {
  using copy = await copyWorkspace(root, { files: 'all' });
  await canary.seed(copy);
  const { problems } = await runGate(gate, copy.root);
  const missed = canary.expected.filter((pattern) => !problems.some((problem) => pattern.test(problem)));
  return missed.map((pattern) => `gate ${gate.name} did not see ${canary.violation}: nothing like ${pattern}`);
}

async function tryHollow(root: string, gate: Gate): Promise<readonly string[]> {
  using copy = await copyWorkspace(root, { files: 'none' });
  const { problems } = await runGate(gate, copy.root);
  return problems.length > 0 ? [] : [`gate ${gate.name} passes a workspace with nothing in it`];
}

/** The canaries themselves must notice a gate that always passes. */
async function tryBlindGate(root: string): Promise<readonly string[]> {
  const blind: Gate = {
    name: 'blind',
    summary: 'sees nothing',
    load: 'light',
    run: async () => Promise.resolve({ examined: 1, problems: [] }),
  };
  const canary: Canary = { gate: 'blind', violation: 'anything', seed: () => undefined, expected: [/./] };
  const complaints = await tryCanary(root, canary, blind);
  return complaints.length > 0 ? [] : ['the canaries do not notice a gate that always passes'];
}

function gateOf(canary: Canary): Gate {
  const found = gates.find(({ name }) => name === canary.gate);
  if (found === undefined) throw new Error(`no gate ${canary.gate}`);
  return found;
}

/** Runs trials, as many at once as there are cores. A trial that throws is a problem. */
async function runTrials(trials: readonly (() => Promise<readonly string[]>)[]): Promise<readonly string[]> {
  const waiting = [...trials];
  const problems: string[] = [];
  const worker = async (): Promise<void> => {
    for (let trial = waiting.shift(); trial !== undefined; trial = waiting.shift()) {
      problems.push(...(await trial().catch((error: unknown) => [String(error)])));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return problems;
}
