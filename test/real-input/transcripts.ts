import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '@holdfast/protocol';
import { seededRandom } from '@holdfast/testkit';

/** A message in OpenAI form. */
type Message = JsonObject & { readonly role: string };

/** A run of an agent as the transcripts have it: its conversation is `traj`, in OpenAI message form. */
export interface Run {
  readonly task_id: number;
  readonly trial: number;
  readonly reward: number;
  readonly info: JsonObject;
  readonly traj: readonly Message[];
}

/** How many conversations there are, and how many messages of each role. */
export interface Figures {
  readonly threads: number;
  readonly roles: Readonly<Record<string, number>>;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The real transcripts, where they are at hand: in `data` of HOLDFAST_SHARED, else of `../shared` beside the checkout. */
export function realTranscripts(): string | undefined {
  const shared = process.env['HOLDFAST_SHARED'] || join(repository, '../shared');
  const path = join(shared, 'data/tau-bench-gpt-4o-airline.json');
  return existsSync(path) ? path : undefined;
}

const TASKS = 10;
const TRIALS = 4;
const ROUNDS_PER_TASK = 3;

/** What is in a file of `writeMadeUpTranscripts`: rounds of four messages, a round more with each task, after one from the system. */
export const madeUpFigures: Figures = {
  threads: TASKS * TRIALS,
  roles: {
    system: TASKS * TRIALS,
    user: TRIALS * roundsOfAllTasks(),
    assistant: 2 * TRIALS * roundsOfAllTasks(),
    tool: TRIALS * roundsOfAllTasks(),
  },
};

/** Writes transcripts of the shape of the real ones: the same file for the same seed. */
export function writeMadeUpTranscripts(path: string, seed: number): void {
  const random = seededRandom(seed);
  const runs = Array.from({ length: TASKS * TRIALS }, (_, at): Run => {
    const task = Math.floor(at / TRIALS);
    const rounds = Array.from({ length: ROUNDS_PER_TASK + task }, (__, round) => messagesOfRound(round, random.next()));
    return {
      task_id: task,
      trial: at % TRIALS,
      reward: random.integer(0, 1),
      info: { task: { user_id: `user_${task}`, actions: [] } },
      traj: [{ role: 'system', content: '# Policy\n\n- “Be kind.” 🛫' }, ...rounds.flat()],
    };
  });
  writeFileSync(path, JSON.stringify(runs, null, 2));
}

function messagesOfRound(round: number, price: number): readonly Message[] {
  const call = `call_${round}`;
  const fn = { name: 'search_direct_flight', arguments: JSON.stringify({ origin: 'JFK', price }) };
  return [
    { role: 'user', content: `Which flight, the ${round}. one?\n\tMerci – 谢谢` },
    { role: 'assistant', content: null, tool_calls: [{ id: call, type: 'function', function: fn }] },
    { role: 'tool', tool_call_id: call, name: fn.name, content: JSON.stringify([{ flight: 'HAT136', price }]) },
    { role: 'assistant', content: `It costs $${price}.` },
  ];
}

function roundsOfAllTasks(): number {
  return (TASKS * (2 * ROUNDS_PER_TASK + TASKS - 1)) / 2;
}
