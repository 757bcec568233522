import type { ReadHeader } from '@holdfast/http';
import { HoldfastError, OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '@holdfast/protocol';

const HEADER = 'holdfast-protocol';

const supported: readonly number[] = Object.freeze(
  Array.from({ length: PROTOCOL_VERSION - OLDEST_PROTOCOL_VERSION + 1 }, (_, index) => OLDEST_PROTOCOL_VERSION + index),
);

/** The wire version a node speaks. Throws `protocol-unsupported` if it is none of this relay's, or it does not say which. */
export function assertWireVersion(header: ReadHeader): number {
  const named = header(HEADER);
  const version = supported.find((one) => String(one) === named);
  if (version !== undefined) return version;
  const what = named === undefined ? 'the Holdfast-Protocol header is missing' : 'that wire version is not spoken here';
  throw new HoldfastError('protocol-unsupported', `${what}; this relay speaks ${supported.join(', ')}`, {
    extensions: { supported },
  });
}

/** Whether the caller names a wire version at all. */
export function namesWireVersion(header: ReadHeader): boolean {
  return header(HEADER) !== undefined;
}
