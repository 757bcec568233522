import type { Comparison } from './account.ts';
import type { Stored } from './stored.ts';

/** How the two sides differ: figures, and the keys behind them. */
interface Differences {
  readonly comparison: Comparison;
  readonly missingOnRelay: readonly string[];
  readonly missingOnNode: readonly string[];
  readonly different: readonly string[];
}

type Records = ReadonlyMap<string, Stored>;

/** Compares every record both ways: its id, version, times and document, as text. */
export function compareRecords(onNodes: Records, onRelay: Records): Differences {
  const missingOnRelay = keysWhere(onNodes, (key) => !onRelay.has(key));
  const missingOnNode = keysWhere(onRelay, (key) => !onNodes.has(key));
  const different = keysWhere(onNodes, (key, { text }) => onRelay.has(key) && onRelay.get(key)?.text !== text);
  const comparison = {
    node_records: onNodes.size,
    relay_records: onRelay.size,
    bytes: [...onNodes.values()].reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    missing_on_relay: missingOnRelay.length,
    missing_on_node: missingOnNode.length,
    different: different.length,
  };
  return { comparison, missingOnRelay, missingOnNode, different };
}

function keysWhere(records: Records, holds: (key: string, stored: Stored) => boolean): readonly string[] {
  return [...records].filter(([key, stored]) => holds(key, stored)).map(([key]) => key);
}
