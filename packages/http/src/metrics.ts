import type { ErrorCode } from '@holdfast/protocol';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const labelNames = ['route', 'status'] as const;
type LabelName = (typeof labelNames)[number];

/** From under a group commit to the longest wait for the relay. */
const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is counted for one route and status. */
interface Series {
  readonly seconds: Histogram.Internal<LabelName>;
  readonly requests: Counter.Internal;
}

/** Why an event stream ended: by its reader, by its source, or with an error. */
export type StreamEnd = ErrorCode | 'reader' | 'source';

/** The http metrics. Labels are route ids and statuses: nothing of who called, or about what. */
export class HttpMetrics {
  readonly #seconds: Histogram<LabelName>;
  readonly #requests: Counter<LabelName>;
  readonly #known = new Map<string, Series>();
  readonly #streamEnds: Counter<'reason'>;
  #underWay = 0;
  #streams = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#seconds = new Histogram({
      name: 'holdfast_http_request_duration_seconds',
      help: 'Time from the request line to the end of the answer',
      labelNames,
      buckets,
      registers,
    });
    this.#requests = new Counter({
      name: 'holdfast_http_requests_total',
      help: 'Requests answered',
      labelNames,
      registers,
    });
    const underWay = (): number => this.#underWay;
    new Gauge({
      name: 'holdfast_http_requests_under_way',
      help: 'Requests not answered yet',
      registers,
      collect() {
        this.set(underWay());
      },
    });
    const streams = (): number => this.#streams;
    new Gauge({
      name: 'holdfast_http_event_streams',
      help: 'Event streams open; they are not counted as requests under way',
      registers,
      collect() {
        this.set(streams());
      },
    });
    this.#streamEnds = new Counter({
      name: 'holdfast_http_event_streams_ended_total',
      help: 'Event streams that ended, by why: reader, source, or the code of an error',
      labelNames: ['reason'],
      registers,
    });
  }

  /** A request came. */
  begin(): void {
    this.#underWay += 1;
  }

  /** Its answer was sent, or the client is gone. */
  end(route: string, status: number, durationMs: number): void {
    this.#underWay -= 1;
    const { seconds, requests } = this.#series(route, status);
    seconds.observe(durationMs / 1000);
    requests.inc();
  }

  /** An event stream was opened. */
  beginStream(): void {
    this.#streams += 1;
  }

  /** An event stream ended. */
  endStream(reason: StreamEnd): void {
    this.#streams -= 1;
    this.#streamEnds.inc({ reason });
  }

  // Looked up once for each route and status: finding a series by its labels costs more than counting.
  #series(route: string, status: number): Series {
    const key = `${route} ${status}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = {
      seconds: this.#seconds.labels(route, String(status)),
      requests: this.#requests.labels(route, String(status)),
    };
    this.#known.set(key, made);
    return made;
  }
}
