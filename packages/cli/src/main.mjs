#!/usr/bin/env node
// Plain JavaScript, so that a start whose modules are all in the compile cache never loads what strips types: that is
// a third of the time and 13 MB of memory.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { run } = await import('./run.ts');

// `holdfast query … | head` closes the pipe early: that is the reader's right, not an error. Nor is it the end: what a
// command does and which exit code it gives must not depend on who reads.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await run(process.argv.slice(2));
