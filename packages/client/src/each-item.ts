/** One page of a list; `next` asks for the one after it, and is null on the last. */
interface ItemPage<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** All items from the first page to the last; a page is asked for when the one before it was used up. */
export async function* eachItem<T>(page: (after: string | undefined) => Promise<ItemPage<T>>): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const { items, next } = await page(after);
    yield* items;
    after = next ?? undefined;
  } while (after !== undefined);
}
