import { expect, test } from "vitest";
import type { Canary } from "#api";
import { kubernetes } from "./kubernetes.ts";
import { contextOf, desiredOf, liveOf } from "./rehearsal-context.ts";

test("kubernetes: no objects, and no writes whatever is asked for", () => {
  const context = contextOf({});
  expect(kubernetes.objects(context)).toEqual([]);
  expect(kubernetes.plan(context, desiredOf(100, { isMirrored: true }), liveOf())).toEqual([]);
  expect(kubernetes.restore(context, liveOf())).toEqual([]);
});

test.each([
  [0, 0],
  [3, 100],
])("kubernetes read: after %d iterations the canary has %d (pinned 55)", (iterations, canaryWeight) => {
  const status = { iterations } satisfies Canary["status"];
  expect(kubernetes.read(contextOf({ status }), liveOf())).toEqual({
    kind: "read",
    state: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored: false },
  });
});

test("kubernetes problems: what it cannot do stops no release", () => {
  const context = contextOf({
    analysis: { match: [{ headers: { a: { exact: "b" } } }], mirror: true, sessionAffinity: { cookieName: "a" } },
  });
  expect(kubernetes.problems(context, liveOf())).toEqual([]);
});
