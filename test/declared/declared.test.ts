import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, connectRelay, HoldfastProblem } from '@holdfast/client';
import { expect, test } from 'vitest';

import { askHoldfast, runHoldfast } from '../harness/command.ts';
import { type Network, startNetwork } from '../harness/network.ts';

const LIMIT_MS = 120_000;

/** The declaration that the page on collections begins with, and the record it shows. */
const page = readFileSync(new URL('../../docs/collections.md', import.meta.url), 'utf8');
const yaml = /^```yaml\n(.+?)^```/ms.exec(page)?.[1] ?? '';
const record = /^holdfast put leads lead-17 '(.+?)'/m.exec(page)?.[1] ?? '';
const query = /^holdfast query "(.+?)"/m.exec(page)?.[1] ?? '';

async function declareInYaml(network: Network): Promise<readonly string[]> {
  const { service } = network.node('laptop');
  await service.end('SIGTERM');
  mkdirSync(join(service.directory, 'collections'));
  writeFileSync(join(service.directory, 'collections', 'leads.yaml'), yaml);
  await service.start();
  return service.place;
}

test(
  'a collection that a YAML file declares is checked, found and shown everywhere, as docs/collections.md says',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada', 'ben'] } });
    const place = await declareInYaml(network);
    const asAda = [...place, '--agent', 'ada'];
    await askHoldfast(network.home, ['put', 'leads', 'lead-17', record, '--ack', 'relay', '--timeout', '30', ...asAda]);
    const ask = <Answer>(args: readonly string[]): Promise<Answer> => askHoldfast<Answer>(network.home, args);
    const found = { records: [{ id: 'lead-17', doc: { status: 'new', asked_at: '2026-11-20T10:54:56.000Z' } }] };
    expect(await ask(['query', query, ...asAda])).toMatchObject(found);
    expect(await ask(['query', query, '--network', '--via-node', ...asAda])).toMatchObject(found);
    expect(await ask(['query', query, '--network', ...network.relay.place])).toMatchObject(found);
    expect(await ask(['query', query, '--explain', ...asAda])).toMatchObject({ plan: { steps: expect.anything() } });
    const sql = ['sql', 'SELECT company, employees FROM leads', ...network.relay.place];
    expect(await ask(sql)).toMatchObject({ rows: [['Kelp & Sons', 12]] });

    const wrong = await runHoldfast(network.home, [
      'put',
      'leads',
      'x',
      '{"compny":"Kelp"}',
      ...place,
      '--agent',
      'ben',
    ]);
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining('did you mean "company"?')]);
    const shown = await runHoldfast(network.home, ['collection', 'show', 'leads', ...asAda]);
    expect(shown.stdout).toContain('maxLength: 200');
    const { collections } = await ask<{ collections: { name: string; kind: string }[] }>([
      'collection',
      'list',
      ...asAda,
    ]);
    expect(collections).toContainEqual(expect.objectContaining({ name: 'leads', kind: 'declared', records: 1 }));
    const token = ['token', 'create', '--role', 'viewer', '--name', 'eve', ...network.relay.place];
    await using viewer = connectRelay({ url: network.relay.url, ...(await ask<{ token: string }>(token)) });
    expect((await viewer.query({ collection: 'leads' })).records).toHaveLength(1);
  },
  LIMIT_MS,
);

test(
  'a collection is declared, changed and taken back by client and command line',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    const { client } = network.agent('ada');
    const file = network.home.file('leads.yaml');
    writeFileSync(file, yaml);
    const asAda = [...network.node('laptop').service.place, '--agent', 'ada'];
    expect(await askHoldfast(network.home, ['collection', 'declare', file, ...asAda])).toMatchObject({
      declared: [{ name: 'leads' }],
    });
    await client.collection('leads').put('one', { company: 'Kelp' });
    const gone = client.collections.declare('leads', { fields: { company: { type: 'integer' } } });
    await expect(gone).rejects.toThrow(HoldfastProblem);
    await expect(gone).rejects.toMatchObject({ code: 'declaration-conflict', status: 409 });
    await client.collections.declare('stars', { schema: { type: 'object', properties: { size: { type: 'number' } } } });
    expect(await client.collections.get('stars')).toMatchObject({
      kind: 'declared',
      declaration: { fields: { size: { type: 'number' } }, open: true },
      schema: { properties: { size: { type: ['number', 'null'] } } },
    });
    expect(await client.collections.get('star')).toBeUndefined();
    const { service, admin } = network.node('laptop');
    const { token } = await admin.agents.token('ada', { resource: 'app:one' });
    await using bound = connect({ url: service.url, token });
    await expect(bound.collections.declare('mine', {})).rejects.toMatchObject({ code: 'forbidden' });
    const undone = await runHoldfast(network.home, ['collection', 'undeclare', 'leads', ...asAda]);
    expect([undone.exitCode, undone.stdout]).toEqual([0, 'leads is free-form now\n']);
    await client.collection('leads').put('two', { anything: true });
    const again = await runHoldfast(network.home, ['collection', 'undeclare', 'leads', ...asAda]);
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('is not declared')]);
  },
  LIMIT_MS,
);

test(
  'a file that declares what cannot be ends the start with its name and what is wrong',
  async () => {
    await using network = await startNetwork({ nodes: { laptop: ['ada'] } });
    const { service } = network.node('laptop');
    await service.end('SIGTERM');
    mkdirSync(join(service.directory, 'collections'));
    writeFileSync(join(service.directory, 'collections', 'bad.yaml'), 'name: leads\nfields: { a: { type: colour } }\n');
    const { exitCode, stderr } = await runHoldfast(network.home, ['node', ...service.place, '--listen-port', '0']);
    expect([exitCode, stderr]).toEqual([78, expect.stringContaining('bad.yaml: "leads"')]);
  },
  LIMIT_MS,
);
