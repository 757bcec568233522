/** A piece of a query's text. */
export interface Token {
  /** `word`: as it stands; `quoted`: a text; `field`: a name in backquotes; `sign`: a comparison or punctuation; `end`. */
  readonly kind: 'word' | 'quoted' | 'field' | 'sign' | 'end';
  /** Without quotes. */
  readonly text: string;
  /** Where it begins. */
  readonly at: number;
}

const patterns = [
  ['quoted', /'(?:[^']|'')*'|"(?:[^"]|"")*"/y],
  ['field', /`[^`]+`/y],
  ['sign', /!=|>=|<=|[=<>(),]/y],
  ['word', /[^\s'"`=<>!(),]+/y],
] as const;

/** Takes a query's text apart; undefined stands for a place where nothing can be made of it. */
export function tokensOf(text: string): (Token | undefined)[] {
  const tokens: (Token | undefined)[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token && { ...token, text: unquoted(token) });
    if (token === undefined) return tokens;
    at = skipSpace(text, at + token.text.length);
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }];
}

function tokenAt(text: string, at: number): Token | undefined {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return { kind, text: found, at };
  }
  return undefined;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text.charAt(at))) at += 1;
  return at;
}

function unquoted({ kind, text }: Token): string {
  if (kind === 'field') return text.slice(1, -1);
  if (kind !== 'quoted') return text;
  const quote = text.charAt(0);
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
