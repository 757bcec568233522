import type { Authenticate } from '@holdfast/http';

import type { Access, RelayCaller } from '../service/access.ts';
import { assertWireVersion, namesWireVersion } from './wire-version.ts';

/**
 * Says who calls. A node that names its wire version is told at once if it is not spoken here: the body of another version
 * might not even parse.
 */
export function authenticateWith(access: Access): Authenticate<RelayCaller> {
  return async (token, header) => {
    const caller = await access.identify(token);
    const isNode = caller?.role === 'node' || caller?.role === 'join';
    if (isNode && namesWireVersion(header)) assertWireVersion(header);
    return caller;
  };
}
