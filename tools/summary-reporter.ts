import type { Reporter, TestModule } from "vitest/node";

/** Ends a test run with one line that scripts can read: `N passed, N failed[, N skipped]`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      let hasTests = false;
      for (const test of module.children.allTests()) {
        counts[test.result().state] += 1;
        hasTests = true;
      }
      if (!hasTests && module.errors().length > 0) counts.failed += 1;
    }
    const skipped = counts.skipped + counts.pending;
    console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  }
}
