import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Native engines and child processes: two files at a time fill a two-core machine.
    maxWorkers: 2,
    pool: 'forks',
  },
});
