import { HybridClock, parseDocument } from '@holdfast/protocol';
import { AgentStore } from '@holdfast/store';

// A process of its own that writes without end and prints each write once it was acknowledged: id, version, seq.
// Writes come in waves of several requests that share a commit; every third is an update of an older record.
const [path = '', life = ''] = process.argv.slice(2);
const store = new AgentStore({
  path,
  clock: new HybridClock(Date.now, '0000000a'),
  now: Date.now,
  commit: {
    'commit.operations': 512,
    'commit.bytes': 4_194_304,
    'commit.milliseconds': 10,
    'commit.queue': 10_000,
    'commit.queueBytes': 67_108_864,
  },
  onCommit: () => undefined,
});

async function write(id: string): Promise<void> {
  const document = parseDocument(JSON.stringify({ id, life, text: 'x'.repeat(300) }));
  const operation = { op: 'put', collection: 'notes', id, document, expiresAtMs: null } as const;
  const [result] = await store.write({ resource: '', operations: [operation] });
  process.stdout.write(`${id} ${result?.version} ${result?.seq}\n`);
}

process.stdout.write('ready\n');
for (let wave = 0; ; wave += 1) {
  const ids = Array.from({ length: 9 }, (_, index) =>
    index % 3 === 0 ? `shared-${index}` : `${life}-${wave}-${index}`,
  );
  await Promise.all(ids.map(write));
}
