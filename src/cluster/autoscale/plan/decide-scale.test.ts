import { describe, expect, test } from "vitest";
import { decideScale, isCooledDown, type ScaleInput, type ScaleRow } from "./decide-scale.ts";
import { replicaBounds } from "./replica-bounds.ts";

const spec = { scaleTargetRef: { name: "web" }, triggers: [] };

function input(over: Partial<ScaleInput> & { min?: number; idle?: number } = {}): ScaleInput {
  const { min = 0, idle, ...rest } = over;
  const bounds = replicaBounds({
    ...spec,
    minReplicaCount: min,
    maxReplicaCount: 10,
    ...(idle === undefined ? {} : { idleReplicaCount: idle }),
  });
  return {
    current: 3,
    bounds,
    isPaused: false,
    isScaleInPaused: false,
    isScaleOutPaused: false,
    isActive: false,
    hasError: false,
    hasFallback: false,
    isCooledDown: true,
    ...rest,
  };
}

const decided = (over: Parameters<typeof input>[0]) => {
  const { row, replicas, transition, conditions, isWorkSeen } = decideScale(input(over));
  const said = conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  return { row, replicas, transition, said, isWorkSeen };
};

const rest = { replicas: undefined, transition: undefined, isWorkSeen: false };
const ready = "Ready True ScaledObjectReady";
const active = "Active True ScalerActive";
const inactive = "Active False ScalerNotActive";

describe("decideScale: each row", () => {
  const cases: readonly [ScaleRow, Parameters<typeof input>[0], object][] = [
    [
      "target-unreadable",
      { current: undefined, isActive: true },
      { ...rest, said: ["Ready False ErrorGettingCurrentReplicas"] },
    ],
    ["paused", { isPaused: true, isActive: true, current: 0 }, { ...rest, said: [] }],
    [
      "start-held",
      { isActive: true, current: 0, isScaleOutPaused: true },
      { ...rest, said: [active, ready], isWorkSeen: true },
    ],
    [
      "start",
      { isActive: true, current: 0 },
      { replicas: 1, transition: "activate", said: [active, ready], isWorkSeen: true },
    ],
    [
      "work-with-errors",
      { isActive: true, hasError: true },
      { ...rest, said: [active, "Ready Unknown PartialTriggerError"], isWorkSeen: true },
    ],
    ["work", { isActive: true }, { ...rest, said: [active, ready], isWorkSeen: true }],
    ["wait-for-fallback", { hasError: true, hasFallback: true }, { ...rest, said: [inactive] }],
    ["error", { hasError: true }, { ...rest, said: [inactive, "Ready False TriggerError"] }],
    ["sleep-held", { isScaleInPaused: true }, { ...rest, said: [inactive, ready] }],
    ["cooling", { isCooledDown: false }, { ...rest, said: ["Active False ScalerCooldown", ready] }],
    ["sleep", {}, { replicas: 0, transition: "deactivate", said: [inactive, ready], isWorkSeen: false }],
    [
      "raise-to-min",
      { min: 5, current: 2 },
      { replicas: 5, transition: undefined, said: [inactive, ready], isWorkSeen: false },
    ],
    ["rest", { min: 2 }, { ...rest, said: [inactive, ready] }],
  ];
  test.each(cases)("%s", (row, over, expected) => {
    expect(decided(over)).toEqual({ row, ...expected });
  });
});

test("decideScale: with an idle size, work starts from below the least size and ends at the idle one", () => {
  expect(decided({ min: 2, idle: 0, isActive: true, current: 0 })).toMatchObject({ row: "start", replicas: 2 });
  expect(decided({ min: 4, idle: 1, isActive: true, current: 1 })).toMatchObject({ row: "start", replicas: 4 });
  expect(decided({ min: 4, idle: 1, current: 6 })).toMatchObject({ row: "sleep", replicas: 1 });
  expect(decided({ min: 4, idle: 1, current: 1 })).toMatchObject({ row: "rest" });
});

const flags = [false, true];
const sizes = [undefined, 0, 1, 2, 3, 5];

function* allInputs(): Generator<ScaleInput> {
  for (const current of sizes)
    for (const min of [0, 1, 3])
      for (const idle of [undefined, 0, 1, 2].filter((one) => one === undefined || one < Math.max(min, 1)))
        for (let bits = 0; bits < 128; bits++) {
          const [isPaused, isScaleInPaused, isScaleOutPaused, isActive, hasError, hasFallback, cooled] = Array.from(
            { length: 7 },
            (_, bit) => flags[(bits >> bit) & 1] ?? false,
          );
          const over = { isPaused, isScaleInPaused, isScaleOutPaused, isActive, hasError, hasFallback };
          const set = Object.fromEntries(Object.entries(over).map(([key, value]) => [key, value ?? false]));
          const isCooled = { isCooledDown: cooled ?? false };
          yield input({ current, min, ...(idle === undefined ? {} : { idle }), ...set, ...isCooled });
        }
}

/** The same as nested questions, read from keda-hpa-spec 7 with the three differences that the table's comment names. */
function expectedReplicas(of: ScaleInput): number | undefined {
  const { current, bounds, isActive, hasError } = of;
  if (current === undefined || of.isPaused) return undefined;
  if (isActive) {
    const isBelow = current === 0 || (bounds.idle !== undefined && current < bounds.min);
    return isBelow && !of.isScaleOutPaused ? Math.max(bounds.min, 1) : undefined;
  }
  if (hasError) return undefined;
  const canSleep = bounds.idle === undefined ? current > 0 && bounds.min === 0 : current > bounds.idle;
  if (canSleep) return of.isScaleInPaused || !of.isCooledDown ? undefined : (bounds.idle ?? bounds.min);
  return bounds.idle === undefined && current < bounds.min ? bounds.min : undefined;
}

test("decideScale: every combination gives the size that the questions in order give", () => {
  const rows = new Set<ScaleRow>();
  let count = 0;
  for (const one of allInputs()) {
    const decision = decideScale(one);
    rows.add(decision.row);
    count += 1;
    expect(decision.replicas, JSON.stringify(one)).toBe(expectedReplicas(one));
  }
  expect(count).toBe(6 * (2 + 2 + 4) * 128);
  expect(rows.size).toBe(13);
});

test("decideScale: whatever the combination, an error never makes the target smaller and a pause never changes it", () => {
  const broken = [...allInputs()].filter((one) => {
    const { replicas, transition } = decideScale(one);
    const isSmaller = replicas !== undefined && replicas < (one.current ?? 0);
    return (
      (one.isPaused && replicas !== undefined) ||
      ((one.hasError || one.isScaleInPaused) && isSmaller) ||
      (one.isScaleOutPaused && transition === "activate") ||
      (replicas !== undefined && replicas === one.current)
    );
  });
  expect(broken).toEqual([]);
});

const hourMs = 3_600_000;
const times = { cooldownMs: 300_000, initialCooldownMs: 0, nowMs: 10 * hourMs };

test("vector 16: min 0, cooldown 300, never active, created an hour ago, size 5, inactive: nothing at the first poll", () => {
  const cooled = isCooledDown({ ...times, lastActiveMs: undefined, createdMs: 9 * hourMs });
  expect(cooled).toBe(true);
  expect(decided({ current: 5, isCooledDown: cooled })).toMatchObject({ row: "sleep", replicas: 0 });
});

test("vector 17: the same with an error of a trigger and no fallback: stays at 5, Ready False TriggerError", () => {
  expect(decided({ current: 5, hasError: true })).toMatchObject({
    row: "error",
    replicas: undefined,
    said: [inactive, "Ready False TriggerError"],
  });
});

test("isCooledDown: strictly after the cooldown of the last work, or after the initial one of the creation", () => {
  const at = (lastActiveMs: number | undefined, createdMs: number, initialCooldownMs = 0) =>
    isCooledDown({ ...times, lastActiveMs, createdMs, initialCooldownMs });
  expect(at(times.nowMs - 300_000, 0)).toBe(false);
  expect(at(times.nowMs - 300_001, 0)).toBe(true);
  expect(at(undefined, times.nowMs - 60_000, 60_000)).toBe(false);
  expect(at(undefined, times.nowMs - 60_001, 60_000)).toBe(true);
  expect(at(undefined, times.nowMs)).toBe(false);
});
