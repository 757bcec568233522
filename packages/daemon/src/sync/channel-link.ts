import { type ChannelPresence, limits, type RelayEvent, relayEventSchema, type SentMessage } from '@holdfast/protocol';
import type { Logger } from 'pino';

import { type Interest, InterestTeller, keyOf } from './interest-teller.ts';
import { MessageSender } from './message-sender.ts';
import { RelayLoop, type RelaySource } from './relay-loop.ts';
import type { Timers } from './timers.ts';
import type { NotDone, Outcome } from './transport.ts';

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
  readonly #loop: RelayLoop;
  #source: RelaySource | undefined;
  #stream: OpenStream | undefined;

  constructor(options: ChannelLinkOptions) {
    this.#options = options;
    this.#loop = new RelayLoop({
      ...options,
      turn: (source, signal, worked) => this.#turn(source, signal, worked),
      unsupported: 'the relay knows no channels: it is older',
    });
  }

  /** Whether messages go to other nodes now, and come from them. */
  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** The link to the relay is open: follows the channels until `hold`. May be called while it follows. */
  open(source: RelaySource): void {
    this.#loop.open(source);
  }

  /** The link is not open any more. */
  hold(): void {
    this.#loop.hold();
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

  async #turn(source: RelaySource, signal: AbortSignal, worked: () => void): Promise<NotDone | undefined> {
    this.#source = source;
    const cut = new AbortController();
    const ended = AbortSignal.any([signal, cut.signal]);
    const interests = this.#options.interests().slice(0, limits.interests);
    const onOpen = (listening: string): void => {
      if (ended.aborted) return;
      worked();
      this.#stream = this.#opened(source, listening, { cut, ended });
      this.#tellMissed(interests);
    };
    const request = { boot: source.boot, interests: [...interests] };
    const outcome = await source.transport.listenToChannels(request, (event) => this.#take(event, onOpen), ended);
    if (signal.aborted) return undefined;
    this.#stream = undefined;
    return outcome;
  }

  #opened(
    { boot, transport, link }: RelaySource,
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
}
