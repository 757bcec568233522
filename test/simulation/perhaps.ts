import type { SeededRandom } from '@holdfast/testkit';

import type { NodeLife, NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/** Does something, in a share of all cases, on one of the lines that run: none may. */
export function perhaps(
  { lines }: Pick<World, 'lines'>,
  random: SeededRandom,
  { share, act }: { readonly share: number; readonly act: (line: NodeLine, life: NodeLife) => void },
): void {
  if (random.next() >= share) return;
  const running = lines.filter(({ life }) => life !== undefined);
  if (running.length === 0) return;
  const line = random.pick(running);
  if (line.life !== undefined) act(line, line.life);
}
