import { defineConfig } from "vitest/config";

/**
 * Two projects, one after the other: `unit` (no server of another make; part of the gate) and `e2e` (the whole product
 * through its commands, kubectl included). The end-to-end files run one at a time: they start whole clusters, and a
 * rollout that fights for the processor with another one measures the machine.
 */
export default defineConfig({
  test: {
    reporters: ["default", "./tools/summary-reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "tools/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // No module keeps state, so files may share one copy of what they import: it is the half of the time.
          isolate: false,
          // Much of the time is spent waiting for processes and servers; by default one core would be left idle.
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
