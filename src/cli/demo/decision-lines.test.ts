import { expect, test } from "vitest";
import { decisionLines } from "./decision-lines.ts";

function event(id: string, message: string, isWarning = true) {
  return { id, time: "2026-01-01T00:00:00Z", isWarning, message };
}

test("decisionLines: numbers of one copy in a row become its latest, other warnings stay", () => {
  const lines = decisionLines([
    event("1", "New revision detected! Scaling up web.shop", false),
    event(
      "2",
      "canary deployment web.shop not ready: waiting for rollout to finish: 0 out of 2 new replicas have been updated",
    ),
    event(
      "3",
      "canary deployment web.shop not ready: waiting for rollout to finish: 1 out of 2 new replicas have been updated",
    ),
    event("4", "web-primary.shop not ready: waiting for rollout to finish: 1 old replicas are pending termination"),
    event("5", "Halt web.shop advancement success rate 80% < 99%"),
    event("6", "Halt web.shop advancement waiting for capacity: the canary has 1 of the 3 ready pods that 30% needs"),
    event("7", "Halt web.shop advancement waiting for capacity: the canary has 2 of the 3 ready pods that 30% needs"),
  ]);
  expect(lines.map(({ id, mark, text }) => [id, mark, text])).toEqual([
    ["1", "decision", "New revision detected! Scaling up web.shop"],
    ["3", "waiting", "Waiting for web: 1 out of 2 new replicas have been updated"],
    ["4", "waiting", "Waiting for web-primary: 1 old replicas are pending termination"],
    ["5", "warning", "Halt web.shop advancement success rate 80% < 99%"],
    ["7", "waiting", "Waiting for capacity: the canary has 2 of the 3 ready pods that 30% needs"],
  ]);
});
