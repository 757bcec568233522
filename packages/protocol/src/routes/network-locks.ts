import { networkLockCalls } from '../network-locks.ts';
import { type Route, writeErrors } from './route.ts';

const call = {
  method: 'POST',
  roles: ['node'],
  headers: { 'Holdfast-Protocol': 'The wire version the node speaks' },
  status: 200,
} as const;
const errors = ['node-cloned', 'protocol-unsupported'] as const;

/** What nodes ask of the relay about locks of the network, for their agents. */
export const networkLockRoutes = {
  'lock.acquire': {
    ...call,
    path: '/relay/locks/acquire',
    summary: 'Take a lock of the network for an agent of this node, waiting for it if wished',
    body: { kind: 'json', schema: networkLockCalls.acquire.request },
    answer: { kind: 'json', schema: networkLockCalls.acquire.answer },
    errors: [...errors, 'lock-held', 'idempotency-mismatch', ...writeErrors],
  },
  'lock.renew': {
    ...call,
    path: '/relay/locks/renew',
    summary: 'Begin a lease anew',
    body: { kind: 'json', schema: networkLockCalls.renew.request },
    answer: { kind: 'json', schema: networkLockCalls.renew.answer },
    errors: [...errors, 'lease-lost', ...writeErrors],
  },
  'lock.release': {
    ...call,
    path: '/relay/locks/release',
    summary: 'End a lease; whoever waits first has the lock then. The same again changes nothing',
    body: { kind: 'json', schema: networkLockCalls.release.request },
    answer: { kind: 'json', schema: networkLockCalls.release.answer },
    errors: [...errors, ...writeErrors],
  },
  'lock.list': {
    ...call,
    path: '/relay/locks/list',
    summary: 'The locks of a resource that are held, by name',
    body: { kind: 'json', schema: networkLockCalls.list.request },
    answer: { kind: 'json', schema: networkLockCalls.list.answer },
    errors: [...errors],
  },
  'lock.find': {
    ...call,
    path: '/relay/locks/find',
    summary: 'A lock of a resource, if it is held',
    body: { kind: 'json', schema: networkLockCalls.find.request },
    answer: { kind: 'json', schema: networkLockCalls.find.answer },
    errors: [...errors],
  },
} as const satisfies Record<string, Route>;
