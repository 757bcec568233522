import { hostname } from 'node:os';

import { Command } from 'commander';

import { withAction, withExamples } from '../action.ts';
import { parseWholeNumber } from '../option-values.ts';
import { paint } from '../output.ts';
import { withRelay } from '../services.ts';

const DEFAULT_RELAY_PORT = '8001';

interface InviteFlags {
  readonly ttl?: string;
  readonly relay?: string;
  readonly replaces?: boolean;
}

/** `holdfast invite`. */
export function inviteCommand(): Command {
  const command = new Command('invite')
    .description('Make a join token for a node: single use, for that name only, soon expired. Needs an operator token.')
    .argument('<node>', "the node's name")
    .option('--ttl <seconds>', 'life of the token (default: as the relay is configured, 900)')
    .option('--replaces', 'for a new machine that takes the place of the node; the old one is shut out when it joins')
    .option('--relay <url>', 'address by which the node will call the relay, for the line that is printed');
  withAction<InviteFlags>(command, async ({ args: [node = ''], options, output }) => {
    const { ttl, replaces = false } = options;
    const request = {
      node,
      ...(ttl !== undefined && { ttl: parseWholeNumber(ttl, '--ttl') }),
      ...(replaces && { replaces }),
    };
    const { invitation, url } = await withRelay(options, async (relay, found) => ({
      invitation: await relay.invite(request),
      url: found,
    }));
    const relay = options.relay ?? addressForNodes(url);
    output.answer({ ...invitation, name: node, relay }, () => invitation.token);
    const [where, verb] = replaces ? ['On the new machine', 'adopt'] : [`On ${node}`, 'join'];
    output.remark(
      `${paint('dim', `Valid until ${invitation.expires_at}, once. ${where} run:`)}\n` +
        `  holdfast ${verb} --relay ${relay} --name ${node} ${invitation.token}`,
    );
  });
  return withExamples(
    command,
    'invite workstation',
    'invite workstation --ttl 3600 --relay http://htpc.lan:8001',
    'invite workstation --replaces',
  );
}

/** A guess at how other machines reach the relay: the address in use, with this machine's name for loopback. */
function addressForNodes(url: string | undefined): string {
  if (url === undefined || !URL.canParse(url)) return `http://${hostname()}:${DEFAULT_RELAY_PORT}`;
  const address = new URL(url);
  if (['127.0.0.1', '[::1]', 'localhost'].includes(address.hostname)) address.hostname = hostname();
  return address.origin;
}
