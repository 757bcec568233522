import type { NodeLine } from './simulated-node.ts';
import { keyOf } from './values.ts';
import type { World } from './world.ts';

/**
 * An operator goes through a line's dead letters: what can be sent is sent again, and what never can be is dropped if
 * `dropsPoison`. Returns how many were sent again.
 */
export async function retryLetters(world: World, line: NodeLine, dropsPoison: boolean): Promise<number> {
  const { life } = line;
  if (life === undefined) return 0;
  let retried = 0;
  for (const agent of life.agents) {
    for (const letter of life.files.get(agent).outbox.deadLetters()) {
      const key = keyOf(agent, { ...letter, id: letter.record });
      const isPoison = line.held().get(key)?.doc?.includes('"poison"') ?? false;
      if (isPoison && !dropsPoison) continue;
      world.note(line.label, `${isPoison ? 'drops' : 'retries'} the dead letter of ${key}`);
      const store = life.files.get(agent);
      const done = isPoison ? store.dropDeadLetter(letter.id) : store.retryDeadLetter(letter.id);
      await done.catch(() => undefined);
      if (life.isDead) return retried;
      if (!isPoison) retried += 1;
    }
  }
  return retried;
}
