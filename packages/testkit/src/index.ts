export { FakeClock } from './fake-clock.ts';
export { type Fault, type FaultKind, FaultProxy, startFaultProxy } from './fault-proxy.ts';
export { freePort } from './free-port.ts';
export { type RunningProcess, startProcess, type StartOptions } from './process.ts';
export { type ReceivedRequest, type ScriptedAnswer, ScriptedRelay, startScriptedRelay } from './scripted-relay.ts';
export { seededRandom, type SeededRandom, testSeed } from './seed.ts';
export { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.ts';
