import { createHash } from 'node:crypto';

import type { z } from 'zod';

/** Content with the hash it is sealed under. */
export interface Sealed<Content> {
  readonly content: Content;
  /** SHA-256 of the content's text, in hexadecimal. */
  readonly seal: string;
}

/** The text of a small JSON file in which a change of any bit shows. */
export function sealedText(content: unknown): string {
  const text = JSON.stringify(content);
  return `{"sha256":"${sha256(text)}","content":${text}}\n`;
}

/** What `sealedText` wrote; undefined when the text is not exactly that, or does not follow the schema. */
export function unseal<Content>(text: string, schema: z.ZodType<Content>): Sealed<Content> | undefined {
  const content = contentOf(text);
  if (content === undefined || sealedText(content) !== text) return undefined;
  const parsed = schema.safeParse(content);
  return parsed.success ? { content: parsed.data, seal: sha256(JSON.stringify(content)) } : undefined;
}

/** What a sealed text holds, whether or not its seal is right; undefined if it is no JSON of that form. */
export function contentOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'content' in value ? value.content : undefined;
  } catch {
    return undefined;
  }
}

/** SHA-256 in hexadecimal. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
