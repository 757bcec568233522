import { createServer, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { endpointToCall, findEndpoint } from '../src/endpoint.ts';
import { inTemporaryDirectory, runHoldfast } from './run-holdfast.ts';

const version = '0192f0c1a2b3-0001-7f3a9c21';
const record = {
  node: 'workstation',
  agent: 'recruiter',
  collection: 'candidates',
  id: 'c-1',
  version,
  created_at: '2026-11-20T10:00:00.000Z',
  updated_at: '2026-11-20T10:00:00.000Z',
  doc: { name: 'Ada' },
};
const agentStatus = {
  agent: 'recruiter',
  state: 'ok',
  error: null,
  digest: 'equal',
  records: 12_034,
  bytes: 1_250_000,
  seq: 12_040,
  acked_seq: 12_030,
  outbox: { records: 10, oldest_seconds: 75 },
  last_ack_at: '2026-11-20T10:00:00.000Z',
  sync: 'waiting',
  sync_error: 'the relay answered 500',
  dead_letters: 2,
};
const following = { state: 'following', caught_up_at: null };
const subscription = { name: 'people', collections: ['candidates'], origin: 'call', records: 3, ...following };
const nodeStatus = {
  node: 'workstation',
  version: '0.1.0',
  boot: 'b1',
  started_at: '2026-11-20T09:00:00.000Z',
  relay: { url: 'http://htpc:8001', state: 'waiting', last_contact_at: null, error: 'connection refused' },
  disk: { state: 'low', free_bytes: 12_000_000, reserve_bytes: 64_000_000 },
  scrub: {
    state: 'checking',
    files_done: 1,
    files_total: 3,
    last_pass_at: '2026-11-20T10:00:00.000Z',
    problems: 2,
  },
  shared: following,
  subscriptions: [{ ...subscription, behind_seconds: null }],
  mail: { state: 'reading', caught_up_at: null, held: 3 },
  locks: { held: 2, waiting: 1 },
  agents: [
    agentStatus,
    { ...agentStatus, agent: 'scribe', state: 'damaged', error: 'found damaged', sync_error: null },
  ],
};
const relayStatus = {
  version: '0.1.0',
  started_at: '2026-11-20T09:00:00.000Z',
  epoch: 'e'.repeat(32),
  put_back: 'the database is behind relay.epoch',
  disk: { state: 'read-only', free_bytes: 12_000_000, reserve_bytes: 64_000_000 },
  scrub: { state: 'waiting', files_done: 1, files_total: 1, last_pass_at: '2026-11-20T10:00:00.000Z', problems: 3 },
  locks: { held: 0, waiting: 0 },
};
const relayNodes = {
  nodes: [
    {
      node: 'workstation',
      joined_at: '2026-11-20T09:00:00.000Z',
      last_contact_at: '2026-11-20T10:00:00.000Z',
      boot: null,
      agents: [{ agent: 'recruiter', records: 12_030, cursor_seq: 12_030, last_change_at: null }],
      dead_letters: 0,
    },
  ],
};

const restored = {
  agent: 'ada',
  state: 'done',
  records_done: 12_000,
  started_at: '2026-11-20T10:00:00.000Z',
  ended_at: '2026-11-20T10:01:00.000Z',
  error: null,
  report: {
    from: 'relay',
    records: 12_000,
    salvaged: 3,
    lost: [],
    lost_count: 0,
    is_complete: true,
    set_aside: '/var/lib/holdfast/node/damaged/ada-then',
  },
};

type Answer = readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>];

interface Seen {
  readonly call: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let server: Server;
let url: string;
let seen: Seen[];
let answers: Record<string, Answer>;

beforeEach(async () => {
  seen = [];
  answers = {};
  server = createServer((request, response) => {
    void (async () => {
      const call = `${request.method ?? ''} ${request.url ?? ''}`;
      seen.push({ call, headers: request.headers, body: await text(request) });
      const problem = {
        code: 'route-not-found',
        title: 'No such route',
        status: 404,
        remedy: 'See.',
        retryable: false,
        type: 'x',
      };
      const [status, body, headers] = answers[call] ?? [404, problem];
      const type = status < 400 ? 'application/json' : 'application/problem+json';
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(body === undefined ? '' : JSON.stringify(body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  url = `http://127.0.0.1:${address.port}`;
});

afterEach(
  () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
);

const run = (args: readonly string[], stdin?: string) =>
  runHoldfast([...args, '--url', url], {
    environment: { HOLDFAST_TOKEN: 't1', HOLDFAST_RELAY_TOKEN: 't2' },
    ...(stdin && { stdin }),
  });

describe('records', () => {
  test('put sends the document and its conditions, as the agent that was named', async () => {
    answers['PUT /v1/records/candidates/c-1?ttl=60'] = [200, { id: 'c-1', version, seq: 1, ack: 'local' }];
    const args = [
      'put',
      'candidates',
      'c-1',
      '{"name": "Ada"}',
      '--ttl',
      '60',
      '--new',
      '--agent',
      'recruiter',
      '--json',
    ];
    const { exitCode, stdout } = await run(args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ id: 'c-1', version, seq: 1, ack: 'local' });
    expect(seen[0]?.body).toBe('{"name":"Ada"}');
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'Bearer t1',
      'holdfast-agent': 'recruiter',
      'if-none-match': '*',
    });
  });

  test('put reads the document from stdin', async () => {
    answers['PUT /v1/records/notes/n-1'] = [200, { id: 'n-1', version, seq: 1, ack: 'local' }];
    const { exitCode, stdout } = await run(['put', 'notes', 'n-1'], '{"text":"hi"}\n');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('n-1 written');
    expect(seen[0]?.body).toBe('{"text":"hi"}');
  });

  test('put refuses a number that would lose digits, before anything is sent', async () => {
    const { exitCode, stderr } = await run(['put', 'notes', 'n-1', '{"n": 9007199254740993}']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('2^53');
    expect(seen).toEqual([]);
  });

  test('get prints the document, and with --json its version too', async () => {
    answers['GET /v1/records/candidates/c-1'] = [200, { name: 'Ada' }, { etag: `"${version}"` }];
    expect(JSON.parse((await run(['get', 'candidates', 'c-1'])).stdout)).toEqual({ name: 'Ada' });
    const { stdout } = await run(['get', 'candidates', 'c-1', '--json']);
    expect(JSON.parse(stdout)).toEqual({ collection: 'candidates', id: 'c-1', version, doc: { name: 'Ada' } });
  });

  test('get of a record that is not there fails with record-not-found', async () => {
    const problem = {
      code: 'record-not-found',
      title: 'No such record',
      status: 404,
      remedy: 'Check.',
      retryable: false,
      type: 'x',
    };
    answers['GET /v1/records/candidates/c-1'] = [404, problem];
    const { exitCode, stdout, stderr } = await run(['get', 'candidates', 'c-1', '--json']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'record-not-found', detail: 'candidates/c-1' } });
  });

  test("a refusal is told by title, detail and remedy, with the issues' places", async () => {
    answers['POST /v1/records/candidates/query'] = [
      422,
      {
        type: 'urn:holdfast:error:invalid-request',
        code: 'invalid-request',
        title: 'The request is well-formed but not acceptable',
        status: 422,
        detail: 'body.limit: too large',
        remedy: 'Correct it.',
        retryable: false,
        issues: [
          { path: 'body.limit', message: 'too large' },
          { path: 'body.where', message: 'too many' },
        ],
      },
    ];
    const { exitCode, stderr } = await run(['query', 'candidates', '--limit', '5000']);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'holdfast: The request is well-formed but not acceptable: body.limit: too large\n' +
        '    body.limit: too large\n    body.where: too many\n  → Correct it.\n',
    );
  });
});

describe('a refusal that the command line can mend', () => {
  const problem = (code: string, status: number, issues: readonly object[] = []): Answer => [
    status,
    { type: 'x', code, title: 'No', status, detail: 'no', remedy: 'Send the header.', retryable: false, issues },
  ];

  test('for want of an agent names --agent', async () => {
    answers['GET /v1/records/candidates/c-1'] = problem('invalid-request', 422, [
      { path: 'Holdfast-Agent', message: 'needed' },
    ]);
    const { exitCode, stderr } = await run(['get', 'candidates', 'c-1']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('--agent NAME');
    expect(stderr).not.toContain('header');
  });

  test.each(['forbidden', 'unauthenticated'])('for its token says where that came from: %s', async (code) => {
    answers['GET /v1/records/candidates/c-1'] = problem(code, 403);
    const { stderr } = await run(['get', 'candidates', 'c-1']);
    expect(stderr).toContain('The token came from HOLDFAST_TOKEN.');
  });
});

describe('queries', () => {
  test('conditions and order go to the daemon, the page comes back', async () => {
    answers['POST /v1/records/candidates/query'] = [200, { records: [record], next: 'p2' }];
    const where = '{"status":"active"}';
    const args = [
      'query',
      'candidates',
      '--where',
      where,
      '--order',
      'name:desc',
      '--order',
      'id',
      '--limit',
      '5',
      '--json',
    ];
    const { exitCode, stdout } = await run(args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ records: [record], next: 'p2' });
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      where: { status: 'active' },
      orderBy: [{ name: 'desc' }, { id: 'asc' }],
      limit: 5,
    });
  });

  test('--network asks the relay, narrowed by node and agent', async () => {
    answers['POST /relay/query'] = [
      200,
      {
        groups: [
          { role: 'user', count: 1490 },
          { role: 'tool', count: 1164 },
        ],
      },
    ];
    const args = [
      'query',
      'messages',
      '--group-by',
      'role',
      '--network',
      '--node',
      'workstation',
      '--agent',
      'recruiter',
    ];
    const { exitCode, stdout } = await run(args);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ROLE +COUNT\nuser +1490\ntool +1164\n$/);
    expect(seen[0]?.headers.authorization).toBe('Bearer t2');
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      collection: 'messages',
      nodes: ['workstation'],
      agents: ['recruiter'],
      aggregate: { groupBy: ['role'], metrics: { count: { count: '*' } } },
    });
  });

  test('as text say the same as options, and options say what the text leaves open', async () => {
    answers['POST /v1/records/candidates/query'] = [200, { records: [], next: null }];
    const text = 'candidates where skills has Python and experience_years >= 3 order by name';
    expect((await run(['query', text, '--limit', '5'])).exitCode).toBe(0);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      where: { skills: { hasAll: ['Python'] }, experience_years: { gte: 3 } },
      orderBy: [{ name: 'asc' }],
      limit: 5,
    });
    expect(await run(['query', text, '--order', 'age'])).toMatchObject({ exitCode: 2, stdout: '' });
    const wrong = await run(['query', 'candidates where skills like Python']);
    expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
    expect(wrong.stderr).toContain('there is "like Python" (at character 25)');
  });

  test('with metrics print a column for each', async () => {
    answers['POST /relay/query'] = [200, { groups: [{ status: 'done', count: 12, mean: 0.5 }] }];
    const { stdout } = await run(['query', 'tasks count, avg(score) as mean group by status', '--network']);
    expect(stdout).toMatch(/^STATUS +COUNT +MEAN\ndone +12 +0\.5\n$/);
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({
      aggregate: { groupBy: ['status'], metrics: { count: { count: '*' }, mean: { avg: 'score' } } },
    });
  });

  test('--explain shows the steps and the indexes', async () => {
    const plan = { steps: ['SEARCH records USING INDEX records_key'], indexes: ['records_key'] };
    answers['POST /v1/records/candidates/query'] = [200, { plan }];
    const { stdout } = await run(['query', 'candidates where a = 1', '--explain']);
    expect(stdout).toBe('SEARCH records USING INDEX records_key\nindexes records_key\n');
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ where: { a: 1 }, explain: true });
  });

  test('--count prints the bare number', async () => {
    answers['POST /v1/records/candidates/query'] = [200, { groups: [{ count: 5308 }] }];
    expect((await run(['query', 'candidates', '--count'])).stdout).toBe('5308\n');
  });
});

describe('status', () => {
  test('of a node shows the link and a line for each agent', async () => {
    answers['GET /v1/node'] = [200, nodeStatus];
    const { exitCode, stdout } = await run(['status']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Node workstation');
    expect(stdout).toContain('http://htpc:8001  waiting  last contact never');
    expect(stdout).toContain('connection refused');
    expect(stdout).toMatch(/recruiter +ok +12,034 +1\.3 MB +10 +1 min +\d+ \w+ ago +waiting +equal +2/);
    expect(stdout).toMatch(/scribe +damaged/);
    expect(stdout).toContain('scribe: found damaged');
    expect(stdout).toContain('low  12.0 MB free, 64.0 MB of it in reserve');
    expect(stdout).toMatch(/2 problems {2}since the start; all checked \d+ \w+ ago, 1 of 3 checked in this round/);
    expect(stdout).toContain('recruiter waits: the relay answered 500');
    expect(stdout).toContain('Locks  2 held, 1 wait');
    expect(stdout).toContain('Shared following  not complete since the start');
    expect(stdout).toContain('Mail   reading  not complete since the start  3 letters held');
    expect(JSON.parse((await run(['status', '--json'])).stdout)).toEqual({ node: nodeStatus });
  });

  test("of an agent's own token shows that agent", async () => {
    answers['GET /v1/node'] = [
      403,
      { code: 'forbidden', title: 'No', status: 403, remedy: 'Ask.', retryable: false, type: 'x' },
    ];
    answers['GET /v1/status'] = [200, agentStatus];
    expect(JSON.parse((await run(['status', '--json'])).stdout)).toEqual({ agent: agentStatus });
  });

  test('of a relay shows its own state, its nodes and their agents', async () => {
    answers['GET /relay/nodes'] = [200, relayNodes];
    answers['GET /relay/status'] = [200, relayStatus];
    const { stdout } = await run(['status', '--relay']);
    expect(stdout).toContain('read-only  12.0 MB free');
    expect(stdout).toMatch(/3 problems {2}since the start; all checked \d+ \w+ ago/);
    expect(stdout).toContain('Found put back or replaced at its start: the database is behind relay.epoch');
    expect(JSON.parse((await run(['status', '--relay', '--json'])).stdout)).toEqual({
      relay: { url, ...relayStatus, ...relayNodes },
    });
    expect(stdout).toContain('1 node, 1 agent, 12,030 records');
    expect(stdout).toMatch(/workstation +\d+ \w+ ago +0 +recruiter +12,030 +never/);
  });

  test('tells what was noticed of a stream that is clean and equal since as past', async () => {
    const noticed = { ...agentStatus, error: '5 records are sent again', sync: 'clean', sync_error: null };
    answers['GET /v1/node'] = [
      200,
      { ...nodeStatus, agents: [noticed, { ...noticed, agent: 'scribe', digest: 'unknown' }] },
    ];
    const { stdout } = await run(['status']);
    expect(stdout).toContain('recruiter, settled since: 5 records are sent again');
    expect(stdout).toContain('scribe: 5 records are sent again');
  });

  test('of a machine with both ends with 1 when one of them does not answer', async () => {
    answers['GET /relay/nodes'] = [200, relayNodes];
    answers['GET /relay/status'] = [200, relayStatus];
    const { exitCode, stdout } = await runHoldfast(['status'], {
      environment: {
        HOLDFAST_URL: 'http://127.0.0.1:9',
        HOLDFAST_TOKEN: 't1',
        HOLDFAST_RELAY_URL: url,
        HOLDFAST_RELAY_TOKEN: 't2',
      },
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('No answer from the node');
    expect(stdout).toContain('1 node, 1 agent');
  });

  test('without any service here says how to set one up', async () => {
    const { exitCode, stderr } = await runHoldfast(['status']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('holdfast init node');
  });
});

describe('agents and tokens', () => {
  test('agent create prints the token alone on stdout', async () => {
    answers['POST /v1/agents'] = [201, { token: 'secret-token', id: '4f1c09a2b7de', agent: 'recruiter' }];
    const { stdout, stderr } = await run(['agent', 'create', 'recruiter']);
    expect(stdout).toBe('secret-token\n');
    expect(stderr).toContain('shown this once');
  });

  test('invite --json is what a node needs to enrol', async () => {
    const made = { token: 'join-token', node: 'workstation', expires_at: '2026-11-20T10:15:00.000Z' };
    answers['POST /relay/join-tokens'] = [201, made];
    const { stdout } = await run(['invite', 'workstation', '--relay', 'http://htpc.lan:8001', '--json']);
    expect(JSON.parse(stdout)).toEqual({ ...made, name: 'workstation', relay: 'http://htpc.lan:8001' });
  });

  test('join takes the token from stdin', async () => {
    answers['POST /v1/node/join'] = [200, { node: 'workstation', relay: 'http://htpc.lan:8001' }];
    const { exitCode } = await run(
      ['join', '--relay', 'http://htpc.lan:8001', '--name', 'workstation'],
      'join-token\n',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
      relay: 'http://htpc.lan:8001',
      token: 'join-token',
      name: 'workstation',
    });
  });

  test('adopt waits until every agent is restored, and says that they need tokens', async () => {
    const adopted = { node: 'workstation', relay: 'http://htpc.lan:8001', agents: ['ada'] };
    answers['POST /v1/node/adopt'] = [202, adopted];
    answers['GET /v1/agents/ada/restore'] = [200, restored];
    const { exitCode, stdout, stderr } = await run(
      ['adopt', '--relay', 'http://htpc.lan:8001', '--name', 'workstation'],
      'join-token\n',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ token: 'join-token', name: 'workstation' });
    expect(stdout).toContain('1 agent restored');
    expect(stdout).toMatch(/ada +12,000 records/);
    expect(stderr).toContain('holdfast agent token ada');
  });

  test.each([
    ['agent-exists', null, 'this node has agents: recruiter, scribe'],
    ['agent-exists', 'old', 'this node is old already, and has agents: recruiter, scribe'],
    ['already-enrolled', 'other', 'this node is enrolled as other'],
  ])('adopt that is refused with %s on %s says what this node is', async (code, node, said) => {
    const problem = { type: 'x', code, title: 'No', status: 409, detail: 'no', remedy: 'No.', retryable: false };
    answers['POST /v1/node/adopt'] = [409, problem];
    answers['GET /v1/node'] = [200, { ...nodeStatus, node }];
    const { exitCode, stderr } = await run(['adopt', '--relay', 'http://htpc.lan:8001', '--name', 'old'], 'token\n');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(said);
  });

  test.each([
    ['nothing', {}, 0],
    ['a record', { lost: [{ resource: '', collection: 'notes', id: 'n-1', version: null }], lost_count: 1 }, 3],
    ['it cannot be known what', { is_complete: false }, 3],
  ])('restore of an agent with %s lost ends as it should', async (_case, changes, expected) => {
    answers['POST /v1/agents/ada/restore'] = [202, { ...restored, state: 'running', report: null }];
    answers['GET /v1/agents/ada/restore'] = [200, { ...restored, report: { ...restored.report, ...changes } }];
    const { exitCode, stdout } = await run(['restore', '--agent', 'ada', '--from', 'relay']);
    expect(exitCode).toBe(expected);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ from: 'relay' });
    expect(stdout).toContain('ada was restored from relay: 12,000 records');
    expect(stdout.includes('n-1')).toBe('lost' in changes);
  });

  test('restore of an agent that failed says why', async () => {
    answers['POST /v1/agents/ada/restore'] = [202, { ...restored, state: 'running', report: null }];
    const failed = { ...restored, state: 'failed', report: null, error: 'relay-unreachable: no answer' };
    answers['GET /v1/agents/ada/restore'] = [200, failed];
    const { exitCode, stdout, stderr } = await run(['restore', '--agent', 'ada', '--from', 'relay']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('relay-unreachable: no answer');
  });

  test('dead letters of a node come newest first', async () => {
    const letter = (id: string, second: number): object => ({
      id,
      agent: 'recruiter',
      seq: 1,
      resource: '',
      collection: 'notes',
      record: `n-${id}`,
      version,
      code: 'record-too-large',
      reason: 'too large',
      rejected_at: `2026-11-20T10:00:0${second}.000Z`,
    });
    answers['GET /v1/dead-letters'] = [200, { dead_letters: [letter('9', 1), letter('10', 1), letter('2', 2)] }];
    const { stdout } = await run(['dead-letters', 'list']);
    expect(stdout.match(/recruiter\/\d+/g)).toEqual(['recruiter/2', 'recruiter/10', 'recruiter/9']);
  });

  test('dead letters of a node are named AGENT/ID', async () => {
    answers['DELETE /v1/dead-letters/recruiter/3'] = [204, undefined];
    expect((await run(['dead-letters', 'drop', 'recruiter/3'])).stdout).toBe('recruiter/3 dropped\n');
  });
});

describe('finding a service', () => {
  test('a service that runs here is found by its data directory, with the admin token', async () => {
    answers['GET /v1/node'] = [200, nodeStatus];
    await inTemporaryDirectory(async (directory) => {
      writeFileSync(join(directory, 'service.json'), JSON.stringify({ pid: 1, url, socket: null, started_at: 'now' }));
      writeFileSync(join(directory, 'admin.token'), 'admin-token\n', { mode: 0o600 });
      const { exitCode } = await runHoldfast(['status', '--data-dir', directory]);
      expect(exitCode).toBe(0);
      expect(seen[0]?.headers.authorization).toBe('Bearer admin-token');
    });
  });

  test('a data directory that was named, and nothing runs on it, is not taken for the service at the usual address', async () => {
    await inTemporaryDirectory(async (directory) => {
      writeFileSync(join(directory, 'admin.token'), 'admin-token\n', { mode: 0o600 });
      for (const given of [{ args: ['--data-dir', directory] }, { variables: { HOLDFAST_NODE_DATA_DIR: directory } }]) {
        const { args = [], variables = {} } = given;
        const { exitCode, stderr } = await runHoldfast(['status', '--node', ...args], { environment: variables });
        expect(exitCode).toBe(1);
        expect(stderr).toContain(`the node of ${directory} does not run`);
        expect(stderr).toContain(`holdfast node --data-dir ${directory}`);
      }
      const at = { dataDir: directory, url };
      expect(await endpointToCall('node', at, {})).toMatchObject({ url });
    });
  });

  test('the admin token of this machine is not sent to another', async () => {
    await inTemporaryDirectory(async (home) => {
      const directory = join(home, '.local/state/holdfast/node');
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'admin.token'), 'admin-token');
      const at = async (address: string) => (await findEndpoint('node', { url: address }, { HOME: home })).token;
      expect(await at('http://127.0.0.1:9')).toBe('admin-token');
      expect(await at('http://localhost:9')).toBe('admin-token');
      expect(await at('http://htpc.lan:8002')).toBeUndefined();
      expect(await at('http://127.0.0.1.evil.example:8002')).toBeUndefined();
    });
  });

  test('a service listening on all addresses is called on loopback', async () => {
    await inTemporaryDirectory(async (directory) => {
      writeFileSync(join(directory, 'service.json'), JSON.stringify({ url: 'http://0.0.0.0:8001' }));
      expect(await findEndpoint('relay', { dataDir: directory }, {})).toMatchObject({ url: 'http://127.0.0.1:8001' });
    });
  });
});
