import { parseArgs } from 'node:util';
import { SimulatedDisk } from './disk.ts';
import { makeTemplate } from './template.ts';
import { runSeed } from './run-seed.ts';
import { FaultCounts } from './faults.ts';
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '200' }, from: { type: 'string', default: '1' }, seed: { type: 'string' }, trace: { type: 'boolean', default: false } } });
const from = Number(values.seed ?? values.from), seeds = values.seed ? 1 : Number(values.seeds);
const total = new FaultCounts(); let bad = 0, writes = 0, acked = 0, repairs = 0, events = 0;
using home = new SimulatedDisk(); const template = await makeTemplate(home);
const t0 = performance.now();
for (let seed = from; seed < from + seeds; seed++) {
  using disk = new SimulatedDisk();
  const r = await runSeed(seed, { disk, template }, values.trace ? console.log : undefined).catch((e) => { console.log('seed', seed, 'THREW', e); process.exit(2); });
  total.addAll(r.faults); writes += r.writes; acked += r.acknowledged; repairs += r.repairs; events += r.events;
  if (r.violations.length) { bad++; console.log(seed, r.violations); }
  if (seeds === 1) console.log(r.trace);
}
console.log({ seeds, bad, writes, acked, repairs, events, faults: total.total, s: (performance.now() - t0) / 1000 }, total.entries().map(([k, v]) => `${k} ${v}`).join(', '));
