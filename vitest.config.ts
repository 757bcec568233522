import { defineConfig, type ViteUserConfig } from 'vitest/config';

// Tests run real databases, sockets and processes: time limits are for hangs, not for speed.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    allowOnly: false,
    passWithNoTests: false,
    restoreMocks: true,
  },
});

export default config;
