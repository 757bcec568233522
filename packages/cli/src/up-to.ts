/** The first of these, at most so many; the rest is not waited for. */
export async function* upTo<Item>(items: AsyncIterable<Item>, most: number): AsyncGenerator<Item, void> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count >= most) return;
  }
}
