import { HoldfastError, type Json } from '@holdfast/protocol';

/**
 * Parses text that was JSON when it was stored. Throws `file-damaged`, without the parser's own words: they quote what
 * they cannot read.
 */
export function parseStored(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new HoldfastError('file-damaged', 'something that was stored as JSON is none any more');
  }
}
