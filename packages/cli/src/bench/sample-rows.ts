import { CONTEXT } from '@holdfast/protocol';

import { CANDIDATES, candidateDocument } from './candidates.ts';
import { messageDocument } from './chat-messages.ts';
import { sampleDocument, sampleNumber } from './sample-document.ts';

/** What sample records are: free-form ones of 300 bytes, the same as shared context, candidates, messages, or tasks. */
export type SampleKind = 'load' | 'context' | 'candidate' | 'message' | 'task';

const kinds: Readonly<
  Record<SampleKind, { readonly collection: string; readonly document: (index: number) => string }>
> = {
  load: { collection: 'load', document: sampleDocument },
  context: { collection: CONTEXT, document: sampleDocument },
  candidate: { collection: CANDIDATES, document: candidateDocument },
  message: { collection: 'messages', document: messageDocument },
  task: { collection: 'tasks', document: taskDocument },
};

/** A sample document, as JSON text. */
export function sampleOf(kind: SampleKind, index: number): string {
  return kinds[kind].document(index);
}

/** The collection that sample records of a kind stand in. */
export function collectionOf(kind: SampleKind): string {
  return kinds[kind].collection;
}

/** One line of an NDJSON batch that writes a sample document, without its line feed. */
export function sampleLine(index: number, kind: SampleKind = 'load'): string {
  return `{"op":"put","collection":"${collectionOf(kind)}","id":"${sampleNumber(index)}","doc":${sampleOf(kind, index)}}`;
}

function taskDocument(index: number): string {
  const task = { type: 'screen', payload: { candidate: sampleNumber(index) }, priority: (index % 10) + 1 };
  return JSON.stringify(task);
}
