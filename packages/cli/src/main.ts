#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Stripping types and compiling is half of every start; with the cache, only of the first.
enableCompileCache();
const { run } = await import('./run.ts');

// `holdfast query … | head` closes the pipe early: that is the reader's right, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2));
