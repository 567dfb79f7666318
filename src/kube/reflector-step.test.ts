import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { seededRandom } from "#base";
import { initialReflectorState, type ReflectorInput, type ReflectorState, stepReflector } from "./reflector-step.ts";

const random = { next: () => 0 };
const pod: KubeObject = { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } };

function run(inputs: readonly ReflectorInput[], from: ReflectorState = initialReflectorState): ReflectorState {
  return inputs.reduce((state, input) => stepReflector(state, input, random).state, from);
}

const lastPage: ReflectorInput = { type: "page", items: [pod], resourceVersion: "5", continueToken: undefined };
const brokenWatch: ReflectorInput = { type: "watchEnded", openMs: 10, failure: { isExpired: false } };
const expiredWatch: ReflectorInput = { type: "watchEnded", openMs: 10, failure: { isExpired: true } };

test("stepReflector replaces the store only once the last page is in", () => {
  const first = stepReflector(initialReflectorState, { ...lastPage, continueToken: "next" }, random);
  expect(first.command).toBeUndefined();
  const last = stepReflector(first.state, lastPage, random);
  expect(last.command).toEqual({ type: "replace", objects: [pod, pod] });
  expect(last.state).toMatchObject({ phase: "watching", resourceVersion: "5", delayMs: 0 });
});

test("stepReflector drops collected pages when a later page fails", () => {
  const state = run([
    { ...lastPage, continueToken: "next" },
    { type: "listFailed", failure: { isExpired: true } },
  ]);
  expect(state).toMatchObject({
    phase: "listing",
    collected: [],
    continueToken: undefined,
    resourceVersion: "",
    delayMs: 800,
  });
});

test("stepReflector opens the next watch at once after one that lived, with back-off after one that did not", () => {
  const watching = run([lastPage]);
  expect(run([{ type: "watchEnded", openMs: 300_000, failure: undefined }], watching)).toMatchObject({
    delayMs: 0,
    failureCount: 0,
  });
  expect(run([{ type: "watchEnded", openMs: 3, failure: undefined }], watching)).toMatchObject({
    delayMs: 800,
    failureCount: 1,
  });
  expect(run([brokenWatch, brokenWatch], watching)).toMatchObject({
    phase: "watching",
    delayMs: 1600,
    failureCount: 2,
  });
});

test("stepReflector lists again after five watches without progress", () => {
  const state = run([lastPage, brokenWatch, brokenWatch, brokenWatch, brokenWatch, brokenWatch]);
  expect(state).toMatchObject({ phase: "listing", resourceVersion: "", failureCount: 5 });
});

test("stepReflector lists at once after the first expired version, with back-off when it repeats", () => {
  expect(run([lastPage, expiredWatch])).toMatchObject({ phase: "listing", delayMs: 0 });
  expect(run([lastPage, expiredWatch, lastPage, expiredWatch])).toMatchObject({ phase: "listing", delayMs: 800 });
});

test("stepReflector waits as long as the server says, up to 30 s", () => {
  const failed = (retryAfterMs: number): ReflectorInput => ({
    type: "listFailed",
    failure: { isExpired: false, retryAfterMs },
  });
  expect(run([failed(5000)]).delayMs).toBe(5000);
  expect(run([failed(500_000)]).delayMs).toBe(30_000);
});

test("stepReflector: bookmarks and changes move the version and clear the failures", () => {
  expect(run([lastPage, brokenWatch, { type: "bookmark", resourceVersion: "9" }])).toMatchObject({
    resourceVersion: "9",
    failureCount: 0,
  });
  const step = stepReflector(run([lastPage]), { type: "removed", object: pod, resourceVersion: "8" }, random);
  expect(step).toMatchObject({ command: { type: "remove" }, state: { resourceVersion: "8" } });
});

test("stepReflector: whatever arrives, a failure is never followed by a request without a pause twice in a row", () => {
  const failures = fc.constantFrom<ReflectorInput>(
    brokenWatch,
    expiredWatch,
    lastPage,
    { type: "listFailed", failure: { isExpired: false } },
    {
      type: "watchEnded",
      openMs: 0,
      failure: undefined,
    },
  );
  fc.assert(
    fc.property(fc.array(failures, { maxLength: 40 }), fc.integer(), (inputs, seed) => {
      const chance = seededRandom(seed);
      let state: ReflectorState = initialReflectorState;
      let free = 0;
      for (const input of inputs) {
        const before = state;
        state = stepReflector(state, input, chance).state;
        if (state === before || input === lastPage) continue;
        free = state.delayMs === 0 ? free + 1 : 0;
        expect(free).toBeLessThanOrEqual(1);
        expect(state.delayMs).toBeLessThanOrEqual(30_000);
      }
    }),
  );
});
