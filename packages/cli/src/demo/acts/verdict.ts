import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Findings } from '../account.ts';
import { compareRecords } from '../compare.ts';
import type { Network } from '../network.ts';
import { readAgents, readRelay } from '../stored.ts';
import { settle } from './drain.ts';

/**
 * When all is quiet: every record of the nodes against every record of the relay, and the ledger against the relay. The
 * keys of what is not as it should be go to `differences.json` beside the logs.
 */
export async function compareAll(network: Network): Promise<Pick<Findings, 'comparison' | 'ledger' | 'dead_letters'>> {
  await settle(network);
  const { relay, nodes, agents, ledger, stage } = network;
  const [onNodes, onRelay] = await Promise.all([readAgents(agents), readRelay(relay)]);
  const { comparison, ...keys } = compareRecords(onNodes, onRelay);
  const { writes, lost } = ledger.check(onRelay);
  writeFileSync(join(stage.logs, 'differences.json'), `${JSON.stringify({ lost, ...keys }, null, 2)}\n`);
  const letters = await Promise.all([relay, ...nodes.values()].map((service) => countDeadLetters(service)));
  return {
    comparison,
    ledger: { acknowledged_writes: writes, lost_records: lost.length },
    dead_letters: letters.reduce((sum, count) => sum + count, 0),
  };
}

async function countDeadLetters(service: {
  readonly deadLetters: { list(): Promise<readonly unknown[]> };
}): Promise<number> {
  return (await service.deadLetters.list()).length;
}
