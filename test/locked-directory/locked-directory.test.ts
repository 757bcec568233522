import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { connect, connectRelay } from '@holdfast/client';
import { temporaryDirectory } from '@holdfast/testkit';
import { describe, expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { Service } from '../harness/service.ts';
import { stablePort } from '../harness/stable-port.ts';

describe.each(['node', 'relay'] as const)('a second %s on the same data directory', (kind) => {
  test('ends at once with 1 and says why, and the first goes on', async () => {
    await using home = await temporaryDirectory();
    await using first = await prepared(kind, home);
    await first.start();
    const described = first.description;

    const second = await runHoldfast(home, [kind, ...first.place, '--listen-port', '0']);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain('Another process uses this data directory');
    expect(second.stderr).toContain(first.directory);
    expect(second.stderr).not.toMatch(/\n\s+at /);

    expect(first.description).toEqual(described);
    expect(described).toMatchObject({ pid: first.pid, url: first.url });
    await using client = clientOf(kind, first);
    expect((await client.ready()).ready).toBe(true);
  });

  test('starts once the first was killed, whatever the first left behind', async () => {
    await using home = await temporaryDirectory();
    await using service = await prepared(kind, home);
    await service.start();
    const killed = service.pid;
    expect(await service.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect(service.description).toMatchObject({ pid: killed });
    expect(existsSync(join(service.directory, 'lock.db'))).toBe(true);

    await service.start();
    expect(service.description).toMatchObject({ pid: service.pid });
    await using client = clientOf(kind, service);
    expect((await client.ready()).ready).toBe(true);
  });
});

async function prepared(
  kind: 'node' | 'relay',
  home: Awaited<ReturnType<typeof temporaryDirectory>>,
): Promise<Service> {
  const service = new Service({ kind, name: kind, home, port: await stablePort() });
  await askHoldfast(home, ['init', kind, ...service.place]);
  return service;
}

function clientOf(
  kind: 'node' | 'relay',
  { url, adminToken: token }: Service,
): ReturnType<typeof connect> | ReturnType<typeof connectRelay> {
  return kind === 'node' ? connect({ url, token }) : connectRelay({ url, token });
}
