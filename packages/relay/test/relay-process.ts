import { pino } from 'pino';

import { startRelay } from '../src/index.ts';
import { defaultConfig } from './relay-fixture.ts';

// A relay in a process of its own, so that its memory can be bounded. Prints its address once it serves.
const [directory = ''] = process.argv.slice(2);
const config = defaultConfig({ 'query.seconds': 300 });
const relay = await startRelay({ config, directory, log: pino({ level: 'silent' }), version: '0.0.0' });
process.stdout.write(`${relay.url}\n`);
