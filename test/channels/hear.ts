import type { DurableListenOptions, DurableMessage, Holdfast } from '@holdfast/client';

const LIMIT_MS = 90_000;

/** The first durable messages that somebody hears. `onEach` is told of each before the next is asked for. */
export async function hear(
  holdfast: Holdfast,
  pattern: string,
  count: number,
  options: Omit<DurableListenOptions, 'durable' | 'signal'> & {
    readonly onEach?: (message: DurableMessage) => Promise<void> | void;
  } = {},
): Promise<readonly DurableMessage[]> {
  const { onEach, ...from } = options;
  const signal = AbortSignal.timeout(LIMIT_MS);
  const heard: DurableMessage[] = [];
  for await (const message of holdfast.channels.listen(pattern, { ...from, durable: true, signal })) {
    heard.push(message);
    await onEach?.(message);
    if (heard.length === count) return heard;
  }
  throw new Error(`${heard.length} of ${count} messages came`);
}

/** The values of messages. */
export function valuesOf(messages: readonly DurableMessage[]): readonly unknown[] {
  return messages.map(({ value }) => value);
}
