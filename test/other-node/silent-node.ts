import { startCallee } from './call-network.ts';

// A node in a process of its own, to be killed: it takes a call, says so, and never answers it.
const [directory = ''] = process.argv.slice(2);
await startCallee(directory, {
  work: () => {
    process.stdout.write('taken\n');
    return new Promise(() => undefined);
  },
});
process.stdout.write('ready\n');
