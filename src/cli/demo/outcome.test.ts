import { expect, test } from "vitest";
import { releasePatch, withDemoTimes } from "./changes.ts";
import type { LoadCounts } from "./load.ts";
import type { DemoOptions } from "./options.ts";
import { type Ending, judge } from "./outcome.ts";

const options: DemoOptions = {
  fault: undefined,
  load: undefined,
  method: "threshold",
  intervalMs: 2000,
  requestsPerSecond: 100,
  keep: false,
  json: false,
};
const faulty: DemoOptions = { ...options, fault: { kind: "crash", setting: "crash", description: "" } };
const load: LoadCounts = {
  total: 3,
  failed: 1,
  late: 0,
  byVersion: { "6.4.0": { requests: 3, failed: 1 } },
  lastFailure: undefined,
};
const promoted: Ending = {
  phase: "Succeeded",
  weightPercent: 0,
  primaryVersion: "6.4.1",
  maxCanaryWeight: 50,
  seconds: 60.04,
  reason: "r",
  capacity: {
    podMinutes: 8.5,
    maxReady: { primary: 5, canary: 3 },
    shortSeconds: { primary: 0, canary: 1.5 },
    failed: 1,
    late: 4,
  },
};
const rolledBack: Ending = { ...promoted, phase: "Failed", primaryVersion: "6.4.0" };

function verdict(ending: Ending, with_: DemoOptions) {
  return judge(ending, load, { options: with_, oldVersion: "6.4.0", newVersion: "6.4.1" });
}

test("judge: the sums of capacity are told under a load that changes, and no key of them without", () => {
  expect(verdict(promoted, { ...options, load: "ramp" }).capacity).toEqual({
    load: "ramp",
    latencyTargetMs: 500,
    ...promoted.capacity,
  });
  expect(Object.keys(verdict(promoted, options))).not.toContain("capacity");
});

test("judge: promotion is right without a fault, rollback with one", () => {
  expect(verdict(promoted, options)).toMatchObject({
    outcome: "promoted",
    expected: true,
    seconds: 60,
    requests: { byVersion: { "6.4.0": 3 } },
  });
  expect(verdict(promoted, faulty)).toMatchObject({ outcome: "promoted", expected: false });
  expect(verdict(rolledBack, faulty)).toMatchObject({ outcome: "rolled-back", expected: true });
  expect(verdict(rolledBack, options)).toMatchObject({ outcome: "rolled-back", expected: false });
});

test("judge: a phase without the traffic or the image to match is no ending", () => {
  expect(verdict({ ...rolledBack, weightPercent: 10 }, faulty)).toMatchObject({
    outcome: "unfinished",
    expected: false,
  });
  expect(verdict({ ...promoted, primaryVersion: "6.4.0" }, options)).toMatchObject({
    outcome: "unfinished",
    expected: false,
  });
});

test("withDemoTimes: shortens times and leaves the given objects alone", () => {
  const canary = {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { name: "a" },
    spec: { analysis: { interval: "10s", stepWeight: 10, metrics: [{ name: "m", interval: "30s" }] } },
  };
  const [short] = withDemoTimes([canary], options);
  expect(short?.spec).toMatchObject({
    analysis: { interval: "2s", stepWeight: 10, metrics: [{ name: "m", interval: "10s" }] },
  });
  expect(canary.spec.analysis.interval).toBe("10s");
  expect(withDemoTimes([canary], { ...options, intervalMs: 60_000 })[0]?.spec).toMatchObject({
    analysis: { interval: "1m", metrics: [{ interval: "5m" }] },
  });
});

test("releasePatch: the fault comes with the new image only", () => {
  expect(JSON.stringify(releasePatch(options))).not.toContain("PODINFO_FAULT");
  expect(JSON.stringify(releasePatch(faulty))).toContain('{"name":"PODINFO_FAULT","value":"crash"}');
});
