import { LEASE_SECONDS } from './configuration.ts';

/** Who spoke for a node, as an observer at the relay's door sees it. */
interface Speaking {
  boot: string | undefined;
  /** By the relay's clock. */
  heardMs: number;
  readonly superseded: Set<string>;
}

/**
 * Protocol rule 7, written a second time: which start may speak for a node. It is told what the relay let in and says what it
 * should not have.
 */
export class Speakers {
  readonly #nodes = new Map<string, Speaking>();
  readonly #predecessors = new Map<string, readonly string[]>();

  /** A start asks for a session and names those before it. */
  asks(boot: string, predecessors: readonly string[]): void {
    this.#predecessors.set(boot, predecessors);
  }

  /** The relay did what a start asked for. Returns what is wrong with that; undefined if nothing is. */
  letIn(node: string, boot: string, nowMs: number): string | undefined {
    const speaking = this.#of(node);
    const { boot: before, heardMs, superseded } = speaking;
    speaking.boot = boot;
    speaking.heardMs = nowMs;
    if (before === boot || before === undefined) return undefined;
    superseded.add(before);
    if (superseded.has(boot)) return `a superseded start of ${node} spoke for it again`;
    const isSuccessor = this.#predecessors.get(boot)?.includes(before) ?? false;
    const isSilent = heardMs < nowMs - LEASE_SECONDS * 1000;
    return isSuccessor || isSilent ? undefined : `two starts spoke for ${node} at a time`;
  }

  /** The relay refused a start. A contact noted in what is now the future counts as now. */
  keptOut(node: string, nowMs: number): void {
    const speaking = this.#of(node);
    speaking.heardMs = Math.min(speaking.heardMs, nowMs);
  }

  /** The relay was put back: it remembers other starts than the observer. */
  forget(): void {
    this.#nodes.clear();
  }

  #of(node: string): Speaking {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const speaking = { boot: undefined, heardMs: 0, superseded: new Set<string>() };
    this.#nodes.set(node, speaking);
    return speaking;
  }
}
