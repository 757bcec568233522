import { MemoryFanout } from '@holdfast/live';
import { fanoutConformance, type Note } from '@holdfast/live/conformance';

fanoutConformance('MemoryFanout', async () => ({
  fanout: new MemoryFanout<Note>({ messages: 4, bytes: 1_000 }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}));
