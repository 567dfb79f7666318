import { expect, test } from "vitest";
import type { CanaryStatus } from "#api";
import type { Answer } from "./observation.ts";
import { decideScene, messagesOf, type Scene, unready } from "./scene.ts";
import { isMissed } from "./served-share.ts";
import { formatTime } from "./status.ts";

const share = (canaryPercent: number, requestCount = 1000): Answer => ({
  kind: "served",
  share: { canaryPercent, requestCount, windowMs: 60_000 },
});
/** Times of a status' conditions moved into the past. */
const aged = (status: CanaryStatus, byMs: number): CanaryStatus => ({
  ...status,
  conditions: (status.conditions ?? []).map((condition) => ({
    ...condition,
    lastTransitionTime: formatTime(Date.parse(condition.lastTransitionTime ?? "") - byMs),
  })),
});
/** A promotion gate that holds the weight. */
const webhooks = [{ name: "gate", url: "http://gate/", type: "confirm-promotion" as const }];
const held = (served: Answer, status: Scene["status"] = {}): Scene => ({
  status: { phase: "WaitingPromotion", canaryWeight: 50, ...status },
  analysis: { webhooks },
  answers: { served, "hook/confirm-promotion/0": { kind: "hook", isPassed: false, detail: "" } },
});
const conditionOf = (scene: Scene) => {
  const { status } = decideScene(scene);
  return status.conditions?.find(({ type }) => type === "TrafficAsAsked");
};

test.each([
  [50, 56, 1000, true],
  [50, 55, 1000, false],
  [50, 60, 100, false],
  [50, 66, 100, true],
  [10, 0, 10, false],
  [100, 94, 10, true],
  [50, 0, 0, false],
])("isMissed: asked %i, served %d of %i requests: %s", (asked, canaryPercent, requestCount, expected) => {
  expect(isMissed(asked, { canaryPercent, requestCount })).toBe(expected);
});

test("served: is asked with the checks, recorded in whole percent and dropped at the end of the run", () => {
  const scene: Scene = { status: { phase: "Progressing", canaryWeight: 20 }, observation: { answers: new Map() } };
  expect(decideScene(scene).questions).toEqual([{ kind: "served", id: "served" }]);
  expect(decideScene(held(share(48.6))).status.servedWeight).toBe(49);
  expect(decideScene(held({ kind: "served" }, { servedWeight: 49 })).status.servedWeight).toBe(49);
  const ended = decideScene({ status: { phase: "Promoting", canaryWeight: 50, servedWeight: 49 } });
  expect(ended.status).not.toHaveProperty("servedWeight");
  expect(decideScene({ status: { phase: "Progressing" }, observation: { answers: new Map() } }).questions).toEqual([]);
});

test("served: a weight that is missed for a whole window makes the condition False, one that fits removes it", () => {
  const first = decideScene(held(share(20)));
  expect(first.status.conditions).toContainEqual(
    expect.objectContaining({ type: "TrafficAsAsked", status: "Unknown", reason: "ShareMismatch" }),
  );
  expect(messagesOf(first)).toEqual([]);
  const early = decideScene(held(share(21), aged(first.status, 59_000)));
  expect(early.status.conditions).toContainEqual(
    expect.objectContaining({ type: "TrafficAsAsked", status: "Unknown" }),
  );
  expect(messagesOf(early)).toEqual([]);
  const second = decideScene(held(share(21), aged(early.status, 1000)));
  expect(second.status.phase).toBe("WaitingPromotion");
  expect(second.status.failedChecks).toBe(0);
  expect(messagesOf(second)).toEqual(["web.shop: the canary serves 21% of the traffic while 50% are asked for"]);
  const third = held(share(22), second.status);
  expect(messagesOf(decideScene(third))).toEqual([]);
  expect(conditionOf(third)?.status).toBe("False");
  expect(conditionOf(held(share(50), second.status))).toBeUndefined();
  expect(conditionOf(held({ kind: "served" }, second.status))?.status).toBe("False");
});

test("served: a new weight starts the comparison again, and a copy without pods has no share", () => {
  const { status } = decideScene(held(share(20)));
  const opened = { ...held(share(20), { ...status, canaryWeight: 40, phase: "Progressing" }), analysis: {} };
  expect(decideScene(opened).label).toBe("advance");
  expect(conditionOf(opened)).toBeUndefined();
  expect(conditionOf({ ...held(share(100)), primary: unready })).toBeUndefined();
});
