import { FakeClock } from '@holdfast/testkit';

import { TestDaemon, type TestDaemonOptions, type TestReply } from './test-daemon.ts';

/** Who calls: by default the desk's own agent, without a resource. */
export interface As {
  readonly token?: string;
  readonly resource?: string;
}

/** A daemon with the agent `ada`, under a clock that the test moves, and its cache. */
export class CacheDesk implements AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly token: string;
  readonly clock: FakeClock;

  private constructor(daemon: TestDaemon, token: string, clock: FakeClock) {
    this.daemon = daemon;
    this.token = token;
    this.clock = clock;
  }

  static async open(options: Omit<TestDaemonOptions, 'now'> = {}): Promise<CacheDesk> {
    const clock = new FakeClock();
    const daemon = await TestDaemon.start({ ...options, now: clock.now });
    return new CacheDesk(daemon, await daemon.agent('ada'), clock);
  }

  /** The same agent on the same directory, after a restart. */
  async again(options: Omit<TestDaemonOptions, 'now'> = {}): Promise<CacheDesk> {
    await this.daemon.stop();
    const daemon = await TestDaemon.start({ ...options, directory: this.daemon.directory, now: this.clock.now });
    return new CacheDesk(daemon, this.token, this.clock);
  }

  pass(seconds: number): void {
    this.clock.advance(seconds * 1000);
  }

  call(target: string, body?: unknown, { token = this.token, resource }: As = {}): Promise<TestReply> {
    const headers = { 'holdfast-resource': resource };
    return this.daemon.call(target, { token, headers, ...(body !== undefined && { body }) });
  }

  put(keyAndQuery: string, value: unknown, as?: As): Promise<TestReply> {
    return this.call(`PUT /v1/cache/${keyAndQuery}`, JSON.stringify(value), as);
  }

  get(keyAndQuery: string, as?: As): Promise<TestReply> {
    return this.call(`GET /v1/cache/${keyAndQuery}`, undefined, as);
  }

  /** The value of a key; undefined: it is not there. */
  async value(key: string, as?: As): Promise<unknown> {
    const { status, json } = await this.get(key, as);
    return status === 200 ? (json as unknown) : undefined;
  }

  /** The ticket of a miss. */
  async ticket(key: string, seconds = 60): Promise<string> {
    return (await this.get(`${key}?compute=${seconds}`)).json.ticket as string;
  }

  invalidate(which: object, as?: As): Promise<TestReply> {
    return this.call('POST /v1/cache/invalidate', which, as);
  }

  /** A metric's value. */
  async metric(name: string): Promise<number> {
    const { text } = await this.daemon.call('GET /metrics');
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
  }
}
