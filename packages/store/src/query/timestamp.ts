import { HoldfastError } from '@holdfast/protocol';

/** Milliseconds since 1970 as RFC 3339, UTC. Throws `file-damaged` for what no calendar has: nobody wrote that. */
export function toTimestamp(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) throw new HoldfastError('file-damaged', 'a stored time is none');
  return date.toISOString();
}
