import { type ChannelPresence, limits, type RelayEvent, relayEventSchema, type SentMessage } from '@holdfast/protocol';
import type { Logger } from 'pino';

import { retryDelayMs } from './backoff.ts';
import type { CallSource } from './call-listener.ts';
import { type Interest, InterestTeller, keyOf } from './interest-teller.ts';
import { MessageSender } from './message-sender.ts';
import type { Timers } from './timers.ts';
import type { NotDone, Outcome } from './transport.ts';

/** A relay that knows no channels is asked again this often. A new one is found sooner: the link was lost in between. */
const UNSUPPORTED_RETRY_MS = 600_000;

/** A message of another node. */
export type HeardMessage = Extract<RelayEvent, { readonly node: string }>;

/** What came of messages between this node and others. */
export type CountMessages = (what: 'sent' | 'lost' | 'heard', messages: number) => void;

/** What the link for channels needs. */
export interface ChannelLinkOptions {
  /** To what agents of this node listen now. */
  readonly interests: () => readonly Interest[];
  /** A message of another node. */
  readonly onMessage: (message: HeardMessage) => void;
  readonly count: CountMessages;
  readonly random: () => number;
  readonly timers: Timers;
  readonly log: Logger;
}

/** A stream that is open. */
interface OpenStream {
  readonly teller: InterestTeller;
  readonly sender: MessageSender;
}

/**
 * This node's channels and those of others: one stream of the relay brings what agents here listen to. At most once, and never waited
 * for: while the stream is not open, messages stay on their node, and who listens hears those of the node alone.
 */
export class ChannelLink {
  readonly #options: ChannelLinkOptions;
  #source: CallSource | undefined;
  #following: AbortController | undefined;
  #stream: OpenStream | undefined;
  #hasToldUnsupported = false;

  constructor(options: ChannelLinkOptions) {
    this.#options = options;
  }

  /** Whether messages go to other nodes now, and come from them. */
  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** The link to the relay is open: follows the channels until `hold`. May be called while it follows. */
  open(source: CallSource): void {
    if (this.#following !== undefined) return;
    this.#source = source;
    this.#following = new AbortController();
    void this.#follow(source, this.#following.signal);
  }

  /** The link is not open any more. */
  hold(): void {
    this.#following?.abort();
    this.#following = undefined;
    this.#stream = undefined;
  }

  /** Sends a message to the other nodes; false: it does not leave this one. */
  send(message: SentMessage): boolean {
    return this.#stream?.sender.add(message) ?? false;
  }

  /** So many agents listen to a pattern from now on. */
  changed(interest: Interest): void {
    this.#stream?.teller.changed(interest);
  }

  /** Resolves once the relay knows to what agents listen, or after `limitMs`, or at once if the stream is not open. */
  async settled(limitMs: number): Promise<void> {
    const told = this.#stream?.teller.told();
    if (told === undefined) return;
    const late = Promise.withResolvers<void>();
    const disarm = this.#options.timers.after(limitMs, late.resolve);
    await Promise.race([told, late.promise]);
    disarm();
  }

  /** Who listens on other nodes; undefined if that is not known now. */
  async present(
    resource: string,
    pattern: string,
    signal: AbortSignal,
  ): Promise<readonly ChannelPresence[] | undefined> {
    const source = this.#source;
    if (source === undefined || !this.isOpen) return undefined;
    const outcome = await source.transport.presence({ boot: source.boot, resource, pattern }, signal);
    return outcome.kind === 'done' ? outcome.value.present : undefined;
  }

  async #follow(source: CallSource, signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const cut = new AbortController();
      const ended = AbortSignal.any([signal, cut.signal]);
      const interests = this.#options.interests().slice(0, limits.interests);
      const onOpen = (listening: string): void => {
        if (ended.aborted) return;
        failures = 0;
        this.#hasToldUnsupported = false;
        this.#stream = this.#opened(source, listening, { cut, ended });
        this.#tellMissed(interests);
      };
      const request = { boot: source.boot, interests: [...interests] };
      const outcome = await source.transport.listenToChannels(request, (event) => this.#take(event, onOpen), ended);
      if (signal.aborted) return;
      this.#stream = undefined;
      failures += 1;
      await this.#pause(cut.signal.aborted ? 0 : this.#delayAfter(outcome, failures, source), signal);
    }
  }

  #opened(
    { boot, transport, link }: CallSource,
    listening: string,
    { cut, ended: signal }: { readonly cut: AbortController; readonly ended: AbortSignal },
  ): OpenStream {
    const isDone = (outcome: Outcome<unknown>): boolean => {
      if (outcome.kind === 'lost' && !signal.aborted) link.hurry();
      return outcome.kind === 'done';
    };
    return {
      teller: new InterestTeller(
        async (changes) => {
          const outcome = await transport.changeInterests({ boot, listening, changes: [...changes] }, signal);
          return isDone(outcome) && outcome.kind === 'done' && outcome.value.known;
        },
        () => cut.abort(),
      ),
      sender: new MessageSender(
        async (messages) => isDone(await transport.publish({ boot, messages: [...messages] }, signal)),
        this.#options.count,
      ),
    };
  }

  // What changed between asking for the stream and its first event is in no call.
  #tellMissed(told: readonly Interest[]): void {
    const now = this.#options.interests();
    const before = new Map(told.map((interest) => [keyOf(interest), interest]));
    for (const interest of now) {
      const known = before.get(keyOf(interest));
      before.delete(keyOf(interest));
      if (known?.listeners !== interest.listeners) this.changed(interest);
    }
    for (const gone of before.values()) this.changed({ ...gone, listeners: 0 });
  }

  #take(event: unknown, onOpen: (listening: string) => void): void {
    const { success, data } = relayEventSchema.safeParse(event);
    // A newer relay may tell more.
    if (!success) return;
    if ('listening' in data) return onOpen(data.listening);
    this.#options.count('heard', 1);
    this.#options.onMessage(data);
  }

  #delayAfter(outcome: NotDone, failures: number, { link }: CallSource): number {
    const { random, log } = this.#options;
    if (outcome.kind === 'refused' && outcome.code === 'route-not-found') {
      if (!this.#hasToldUnsupported) log.warn('the relay knows no channels: it is older');
      this.#hasToldUnsupported = true;
      return UNSUPPORTED_RETRY_MS;
    }
    if (outcome.kind === 'refused' || outcome.kind === 'superseded') link.report(outcome);
    if (outcome.kind === 'lost') link.hurry();
    return retryDelayMs(failures, random, outcome.kind === 'failed' ? outcome.retryAfterMs : 0);
  }

  #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        disarm();
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const disarm = this.#options.timers.after(delayMs, settle);
      signal.addEventListener('abort', settle, { once: true });
      if (signal.aborted) settle();
    });
  }
}
