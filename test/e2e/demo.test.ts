import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processesNaming, startSerin } from "./serin-process.ts";

/** The main job through its command: what ends how, what clients saw, and that nothing is left behind. */

interface Outcome {
  readonly outcome: string;
  readonly expected: boolean;
  readonly seconds: number;
  readonly requests: {
    readonly total: number;
    readonly failed: number;
    readonly byVersion: Readonly<Record<string, number>>;
  };
  readonly maxCanaryWeight: number;
  readonly reason: string;
  readonly capacity?: {
    readonly load: string;
    readonly failed: number;
    readonly late: number;
    readonly podMinutes: number;
    readonly maxReady: { readonly primary: number; readonly canary: number };
  };
}

let temporary = "";
const savedTmpdir = process.env.TMPDIR;
beforeAll(() => {
  temporary = mkdtempSync(join(tmpdir(), "serin-e2e-demo-"));
});
afterAll(() => {
  if (savedTmpdir === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = savedTmpdir;
  rmSync(temporary, { recursive: true, force: true });
});

async function runDemo(name: string, args: readonly string[]) {
  const directory = join(temporary, name);
  mkdirSync(directory);
  process.env.TMPDIR = directory;
  const startedMs = Date.now();
  const serin = startSerin(["demo", "--json", ...args]);
  const status = await serin.ended;
  const last = serin.stdout().trim().split("\n").at(-1) ?? "";
  expect(last, serin.stderr()).toMatch(/^\{/);
  return {
    status,
    outcome: JSON.parse(last) as Outcome,
    wallMs: Date.now() - startedMs,
    text: serin.stderr(),
    directory,
  };
}

function expectNothingLeft(directory: string): void {
  expect(readdirSync(directory)).toEqual([]);
  expect(processesNaming(directory)).toEqual([]);
}

describe("serin demo", { concurrent: false }, () => {
  test("without a fault: the evidence promotes it, no client sees an error, and nothing is left", async () => {
    const { status, outcome, text, directory } = await runDemo("proven", []);
    expect(outcome, text).toMatchObject({ outcome: "promoted", expected: true, maxCanaryWeight: 50 });
    expect(outcome.requests.failed, text).toBe(0);
    expect(text).toMatch(/request-success-rate excess ≤ \d+\.\d+%, needs \d+\.\d+%/);
    expect(text).not.toContain("without proof");
    expect(status).toBe(0);
    expectNothingLeft(directory);
  });

  test("--method threshold, without a fault: promotes, no client sees an error, within 90 s, and leaves nothing", async () => {
    const { status, outcome, wallMs, text, directory } = await runDemo("healthy", ["--method", "threshold"]);
    expect(outcome, text).toMatchObject({ outcome: "promoted", expected: true, maxCanaryWeight: 50 });
    expect(outcome.requests.failed, text).toBe(0);
    expect(outcome.requests.byVersion["6.4.1"]).toBeGreaterThan(0);
    expect(status).toBe(0);
    expect(wallMs).toBeLessThan(90_000);
    expectNothingLeft(directory);
  });

  test("--fault errors=20%: rolls back; only the faulty version's answers failed", async () => {
    const { status, outcome, text, directory } = await runDemo("errors", ["--fault", "errors=20%"]);
    expect(outcome, text).toMatchObject({
      outcome: "rolled-back",
      expected: true,
      reason: expect.stringContaining("errors of the canary are"),
    });
    expect(outcome.requests.failed).toBeGreaterThan(0);
    // The summary names the failures by version; none may come from anything but the faulty one.
    expect(text).toMatch(/6\.4\.0 +\d+ requests, 0 failed/);
    expect(text).not.toMatch(/ none +\d+ requests/);
    expect(status).toBe(0);
    expectNothingLeft(directory);
  });

  test("--fault latency=800ms, thresholds: rolls back over the latency, without an error", async () => {
    const { status, outcome, text, directory } = await runDemo("latency", [
      "--fault",
      "latency=800ms",
      "--method",
      "threshold",
    ]);
    expect(outcome, text).toMatchObject({
      outcome: "rolled-back",
      expected: true,
      reason: expect.stringContaining("duration"),
    });
    expect(outcome.requests.failed, text).toBe(0);
    expect(status).toBe(0);
    expectNothingLeft(directory);
  });

  test("--fault crash: never ready, so never gets traffic; rolls back without an error", async () => {
    const { status, outcome, text, directory } = await runDemo("crash", ["--fault", "crash"]);
    expect(outcome, text).toMatchObject({ outcome: "rolled-back", expected: true, maxCanaryWeight: 0 });
    expect(outcome.requests.failed, text).toBe(0);
    expect(outcome.requests.byVersion["6.4.1"]).toBeUndefined();
    expect(status).toBe(0);
    expectNothingLeft(directory);
  });

  test("--load ramp: ScaledObjects follow the load, the new version is promoted in it, and pods are there before traffic", async () => {
    const { status, outcome, text, directory } = await runDemo("ramp", ["--load", "ramp"]);
    expect(outcome, text).toMatchObject({ outcome: "promoted", expected: true, maxCanaryWeight: 50 });
    // 15 requests/s need 3 pods of 7, 50 need 8; the canary begins with its autoscaler's two.
    expect(outcome.capacity, text).toMatchObject({ load: "ramp" });
    expect(outcome.capacity?.maxReady.primary, text).toBeGreaterThanOrEqual(7);
    expect(outcome.capacity?.maxReady.canary, text).toBeGreaterThanOrEqual(2);
    expect(outcome.capacity?.podMinutes, text).toBeGreaterThan(4);
    expect(text).toMatch(/canary needs \d next \d floor/);
    // On a machine that is short of processor time the odd request waits too long; too few pods would fail hundreds.
    expect(outcome.requests.failed, text).toBeLessThan(outcome.requests.total / 100);
    expect(status).toBe(0);
    expectNothingLeft(directory);
  });

  test.each([300, 2500, 7000])("Ctrl-C after %i ms leaves no process and no file", async (afterMs) => {
    const directory = join(temporary, `interrupt-${afterMs}`);
    mkdirSync(directory);
    process.env.TMPDIR = directory;
    const serin = startSerin(["demo"]);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    serin.child.kill("SIGINT");
    expect(await serin.ended).not.toBe(0);
    expectNothingLeft(directory);
  });

  test("wrong usage: exit status 2, the value and what to write", async () => {
    const serin = startSerin(["demo", "--fault", "fire"]);
    expect(await serin.ended).toBe(2);
    expect(serin.stderr()).toContain('--fault: "fire" is unknown; write errors=20%, latency=800ms or crash');
  });
});
