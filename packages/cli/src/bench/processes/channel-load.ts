/** Publishes messages to a channel, and counts what its listeners hear. Takes a ChannelPlan, gives a ChannelResult. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { type ChannelPlan, type ChannelResult, MARK } from '../channel-plan.ts';

const LIMIT_MS = 120_000;

const plan = JSON.parse(process.argv[2] ?? '') as ChannelPlan;
const wanted = plan.messages * plan.listeners;
const done = Promise.withResolvers<void>();
let heard = 0;
let sent = 0;

async function open(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: plan.port, noDelay: true });
  await once(socket, 'connect');
  return socket
    .setEncoding('latin1')
    .on('close', () => done.reject(new Error(`a connection was closed: ${heard} heard`)));
}

async function listen(): Promise<void> {
  const socket = await open();
  const listening = Promise.withResolvers<void>();
  let begun = '';
  let isListening = false;
  socket.on('data', (part: string) => {
    for (let at = part.indexOf(MARK); at !== -1; at = part.indexOf(MARK, at + 1)) heard += 1;
    if (heard === wanted) done.resolve();
    if (isListening) return;
    begun += part;
    isListening = begun.includes(plan.listening);
    if (isListening) listening.resolve();
  });
  socket.write(plan.listen, 'latin1');
  await listening.promise;
}

async function publish(): Promise<void> {
  const socket = await open();
  let answer = '';
  const next = (): void => {
    answer = '';
    if (sent === plan.messages) return;
    sent += 1;
    socket.write(plan.publish, 'latin1');
  };
  socket.on('data', (part: string) => {
    answer += part;
    if (answer.endsWith(plan.published)) next();
  });
  next();
}

await Promise.all(Array.from({ length: plan.listeners }, listen));
const startedAtMs = performance.now();
const cpuBefore = process.cpuUsage();
const timer = setTimeout(() => done.reject(new Error(`${heard} of ${wanted} messages were heard`)), LIMIT_MS);
await Promise.all(Array.from({ length: plan.publishers }, publish));
await done.promise;
clearTimeout(timer);
const seconds = (performance.now() - startedAtMs) / 1000;
const { user, system } = process.cpuUsage(cpuBefore);
const result: ChannelResult = { seconds, heard, loadCpuShare: (user + system) / 1e6 / seconds };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
