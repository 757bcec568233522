import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

// Lists every module that importing the client loads, and whether undici is among them before it is needed.
const script = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
  const { connect } = await import('@holdfast/client');
  connect({ socket: 'unused.sock' });
  console.log(JSON.stringify(loaded));
`;

test('importing the client loads its own files and nothing else: no zod, no protocol, no undici', async () => {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: new URL('..', import.meta.url),
  });
  const loaded = JSON.parse(stdout) as string[];
  const own = loaded.filter((url) => url.includes('/client/src/'));
  expect(own).toContainEqual(expect.stringMatching(/index\.ts$/));
  expect(loaded).toEqual(own);
});
