import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@holdfast/client';
import { HoldfastError } from '@holdfast/protocol';
import { parse } from 'yaml';

import type { Environment } from '../config/locations.ts';
import { readSecretFile } from '../endpoint.ts';

/** Name of the credential, in `LoadCredential=` and in a credential store. */
const INVITATION_CREDENTIAL = 'holdfast.invitation';

/** What a node needs to enrol by itself; `holdfast invite NODE --json` prints it. */
export interface NodeInvitation {
  readonly relay: string;
  readonly name: string;
  readonly token: string;
}

/**
 * The invitation systemd hands over as a credential, or undefined if it does not. Throws `bad-configuration` when it
 * is not what `holdfast invite --json` prints; never quotes it.
 */
export function readInvitation(environment: Environment): NodeInvitation | undefined {
  const directory = environment['CREDENTIALS_DIRECTORY'];
  const path = directory ? join(directory, INVITATION_CREDENTIAL) : undefined;
  if (path === undefined || !existsSync(path)) return undefined;
  const given = parseMapping(readFileSync(path, 'utf8'));
  const { relay, name, token } = given;
  if (typeof relay === 'string' && typeof name === 'string' && typeof token === 'string') return { relay, name, token };
  throw new HoldfastError('bad-configuration', `the credential ${INVITATION_CREDENTIAL} needs relay, name and token`);
}

function parseMapping(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/**
 * Enrols a node that runs and has no relay yet. Gives its name then, or undefined if it was enrolled before: an
 * invitation that was used stays in place and does no harm.
 */
export async function enrolIfNew(
  service: { readonly url: string; readonly directory: string },
  invitation: NodeInvitation,
): Promise<string | undefined> {
  await using holdfast = connect({ url: service.url, token: readSecretFile(join(service.directory, 'admin.token')) });
  const status = await holdfast.node.status();
  if (status.node !== null) return undefined;
  return (await holdfast.node.join({ ...invitation })).node;
}
