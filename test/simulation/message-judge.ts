import { listenEverywhere } from './messaging.ts';
import type { MessagePromises, SentMessage } from './message-promises.ts';
import type { NodeLine } from './simulated-node.ts';
import type { World } from './world.ts';

/**
 * The oracle of durable messages. On every node that never had a clone and was never put back all are heard that were answered on such
 * nodes: each once, and those of one publisher in order. One that its node sends again may come a second time there.
 */
export async function judgeMessages(world: World): Promise<void> {
  const { messages } = world;
  if (messages === undefined) return;
  listenEverywhere(world, messages);
  await world.settle();
  const isWhole = (node: string): boolean => world.branchesOf(node) === 0;
  const kept = messages.kept.filter(({ node }) => isWhole(node));
  for (const line of world.lines) if (isWhole(line.node)) judgeListener(world, messages, line, kept);
}

function judgeListener(
  world: World,
  messages: MessagePromises,
  { node: here, label }: NodeLine,
  kept: readonly SentMessage[],
): void {
  const heard = messages.heardOn(label);
  const known = new Map(heard.map(({ message, times }) => [message.serial, times]));
  for (const { serial, publisher, node } of kept) {
    const times = known.get(serial) ?? 0;
    if (times === 0) world.violated(`${label}: message #${serial} of ${publisher} was answered and not heard`);
    if (times > 1 && node !== here)
      world.violated(`${label}: message #${serial} of ${publisher} was heard ${times} times`);
  }
  const last = new Map<string, number>();
  for (const { message } of heard) {
    const { serial, publisher, node } = message;
    if (world.branchesOf(node) > 0) continue;
    if (serial < (last.get(publisher) ?? 0))
      world.violated(`${label}: message #${serial} of ${publisher} was heard after #${last.get(publisher)}`);
    last.set(publisher, serial);
  }
}
