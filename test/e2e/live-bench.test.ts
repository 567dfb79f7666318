import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { processesNaming, startSerin } from "./serin-process.ts";

/** The benchmark of verdicts with real requests through its command; what it measures takes minutes and stands in docs/benchmarks.md. */

const BENCH = join(process.cwd(), "dist", "bench.js");

test.each([1000, 15_000])("bench verdicts --live: Ctrl-C after %i ms leaves nothing", async (afterMs) => {
  const directory = mkdtempSync(join(tmpdir(), "serin-e2e-bench-"));
  const saved = process.env.TMPDIR;
  process.env.TMPDIR = directory;
  try {
    const bench = startSerin(["verdicts", "--live", "--runs", "2", "--json"], { program: BENCH });
    await bench.waitForOutput("4 releases under 500 requests/s");
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    bench.child.kill("SIGINT");
    expect(await bench.ended, bench.stderr()).toBe(1);
    expect(bench.stdout()).toContain("stopped after 0 of 4");
    const last = JSON.parse(bench.stdout().trim().split("\n").at(-1) ?? "") as { figures: Record<string, object> };
    expect(last.figures["A/A-promoted"]).toEqual({ value: 0, unit: "of 2", aim: ">= 2", met: false });
    expect(readdirSync(directory)).toEqual([]);
    expect(processesNaming(directory)).toEqual([]);
  } finally {
    if (saved === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = saved;
    rmSync(directory, { recursive: true, force: true });
  }
});

test("bench: wrong usage: exit status 2, the value and what to write", async () => {
  const bench = startSerin(["verdicts", "--live", "--runs", "many"], { program: BENCH });
  expect(await bench.ended).toBe(2);
  expect(bench.stderr()).toContain('--runs: "many" is no number of releases; write one from 1 to 1000');
});
