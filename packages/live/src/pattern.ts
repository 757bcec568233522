const STAR = '*';

/** What all that a pattern covers begins with; of a name, the name. */
export function beginningOf(pattern: string): string {
  const star = pattern.indexOf(STAR);
  return star === -1 ? pattern : pattern.slice(0, star);
}

/**
 * What a pattern covers, `*` standing for any run of characters, also for none. Matching goes over the text once, whatever the
 * pattern: each part is looked for behind the one before it, and the first place found is as good as any other.
 */
export function matcherOf(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.split(STAR);
  const last = rest.pop();
  if (last === undefined) return (text) => text === pattern;
  const between = rest.filter((part) => part !== '');
  return (text) => {
    if (!text.startsWith(first)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const part of between) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at <= end && text.endsWith(last);
  };
}
