import type { ReadHeader } from '@holdfast/http';
import { HoldfastError, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '@holdfast/protocol';

const HEADER = 'holdfast-protocol';

const supported: readonly number[] = Object.freeze(
  Array.from({ length: PROTOCOL_VERSION - OLDEST_PROTOCOL_VERSION + 1 }, (_, index) => OLDEST_PROTOCOL_VERSION + index),
);

/** Refuses a node that speaks a wire version this relay does not, or does not say which: `protocol-unsupported`. */
export function assertWireVersion(header: ReadHeader): void {
  const version = header(HEADER);
  if (version !== undefined && supported.some((one) => String(one) === version)) return;
  const what =
    version === undefined ? 'the Holdfast-Protocol header is missing' : 'that wire version is not spoken here';
  throw new HoldfastError('protocol-unsupported', `${what}; this relay speaks ${supported.join(', ')}`, {
    extensions: { supported },
  });
}

/** Whether the caller names a wire version at all. */
export function namesWireVersion(header: ReadHeader): boolean {
  return header(HEADER) !== undefined;
}
