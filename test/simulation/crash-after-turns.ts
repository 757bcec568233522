import type { FaultKind } from './faults.ts';
import type { NodeLife, NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/** What ends a line's process so many turns after it is called, if it is the same life then. Counted when it comes to it. */
export function crashAfterTurns(
  world: World,
  { line, life }: { readonly line: NodeLine; readonly life: NodeLife },
  { turns, kind }: { readonly turns: number; readonly kind: FaultKind },
): () => void {
  return () =>
    afterTurns(turns, () => {
      if (life.isDead) return;
      world.faults.add(kind);
      world.crashLine(line);
    });
}

function afterTurns(turns: number, run: () => void): void {
  setImmediate(() => (turns === 1 ? run() : afterTurns(turns - 1, run)));
}
