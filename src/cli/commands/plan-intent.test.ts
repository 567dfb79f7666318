import { expect, test } from "vitest";
import type { Canary, CanaryPhase } from "#api";
import { INTENT_ANNOTATION, intentActions, PAUSE_ANNOTATION, readIntent, readPause } from "#rollout";
import { effectOf } from "./effect-of.ts";
import { type Asked, type IntentPlan, planIntent, type Wish } from "./plan-intent.ts";

const at = "2026-01-01T00:00:00.000Z";

const gates = (["confirm-rollout", "confirm-promotion"] as const).map((type) => ({
  type,
  name: type,
  url: "http://a",
}));

function canaryIn(phase: CanaryPhase, annotations: Readonly<Record<string, string>> = {}): Canary {
  return {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { namespace: "shop", name: "web", annotations },
    spec: { targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, analysis: { webhooks: gates } },
    status: { phase, canaryWeight: 20, lastAppliedSpec: "s2", lastPromotedSpec: "s1" },
  };
}

const ask = (wish: Wish): Asked => ({ wish, by: "ann", why: "hotfix", at });

/** The Canary with what a plan writes. */
function written(canary: Canary, plan: IntentPlan): Canary {
  if (plan.kind !== "write") return canary;
  const changed = { ...canary.metadata.annotations, ...plan.annotations };
  const annotations = Object.fromEntries(
    Object.entries(changed).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
  return { ...canary, metadata: { ...canary.metadata, annotations } };
}

const phases: readonly CanaryPhase[] = [
  "",
  "Initializing",
  "Initialized",
  "Waiting",
  "Progressing",
  "WaitingPromotion",
  "Promoting",
  "Finalising",
  "Succeeded",
  "Failed",
  "Terminating",
  "Terminated",
];

/** What each wish comes to in each phase: w(rite), n(othing), r(efuse); phases in the order above. */
const table: Readonly<Record<Wish, string>> = {
  promote: "rrrwwwnnrrrr",
  skip: "rrrwwwnnrrrr",
  abort: "rrrwwwrrrrrr",
  retry: "rrrrrrrrrwrr",
  undo: "rrwrrrwwwwrr",
  resume: "rrrwwwrrrrrr",
  pause: "wwwwwwwwwwww",
};

test.each(Object.entries(table))("planIntent: %s, in every phase", (wish, expected) => {
  const found = phases.map((phase) => planIntent(canaryIn(phase), ask(wish as Wish)).kind[0]).join("");
  expect(found).toBe(expected);
});

test("planIntent: what is written is read back whole, and asking again changes nothing", () => {
  for (const wish of [...intentActions, "pause"] as const) {
    const phase = phases.find((candidate) => planIntent(canaryIn(candidate), ask(wish)).kind === "write") ?? "";
    const after = written(canaryIn(phase), planIntent(canaryIn(phase), ask(wish)));
    if (wish === "pause") expect(readPause(after)).toEqual({ by: "ann", why: "hotfix", at });
    else expect(readIntent(after)).toEqual({ action: wish, by: "ann", why: "hotfix", at, revision: "s2" });
    expect(planIntent(after, ask(wish)).kind).toBe("nothing");
    expect(effectOf(after, wish, "s2").kind).toBe(wish === "pause" ? "done" : "pending");
  }
});

test("planIntent: the sentence names the Canary, what happens, and where it stands", () => {
  expect(planIntent(canaryIn("Progressing"), ask("promote")).message).toBe(
    'Will promote "shop/web" as soon as its pods are ready, without the steps, gates and checks that are left (phase Progressing, weight 20%).',
  );
  expect(planIntent(canaryIn("Succeeded"), ask("skip")).message).toBe(
    'Cannot skip "shop/web": nothing is being released (phase Succeeded)',
  );
  expect(planIntent(canaryIn("Progressing"), ask("undo")).message).toBe(
    'Cannot undo "shop/web": a release is under way (phase Progressing); end it with serin abort',
  );
  const suspended = canaryIn("Progressing");
  const plan = planIntent({ ...suspended, spec: { ...suspended.spec, suspend: true } }, ask("abort"));
  expect(plan.message).toContain("spec.suspend is true, so nothing happens until it is false");
});

test("planIntent: another intent is replaced, and the sentence says whose", () => {
  const promoting = written(canaryIn("Progressing"), planIntent(canaryIn("Progressing"), ask("promote")));
  const plan = planIntent(promoting, { ...ask("abort"), by: "bob" });
  expect(plan.message).toContain(`replaces promote by ann at ${at}: hotfix`);
  expect(readIntent(written(promoting, plan))).toMatchObject({ action: "abort", by: "bob" });
});

const pause = { [PAUSE_ANNOTATION]: JSON.stringify({ by: "ann", why: "", at }) };

test("planIntent: resume takes the pause away, and asks to go past a gate only where one may be waited for", () => {
  expect(planIntent(canaryIn("Progressing", pause), ask("resume"))).toMatchObject({
    annotations: { [PAUSE_ANNOTATION]: null, [INTENT_ANNOTATION]: expect.stringContaining("resume") },
    message: expect.stringContaining("past its confirm-promotion gate"),
  });
  expect(planIntent(canaryIn("Succeeded", pause), ask("resume"))).toMatchObject({
    kind: "write",
    annotations: { [PAUSE_ANNOTATION]: null },
  });
  const open = canaryIn("Progressing");
  expect(planIntent({ ...open, spec: { ...open.spec, analysis: {} } }, ask("resume")).message).toBe(
    'Cannot resume "shop/web": it is not paused and no gate is waited for (phase Progressing)',
  );
});

test("planIntent: what is asked for during a pause says that it waits, and stands when the pause ends", () => {
  const paused = canaryIn("Progressing", pause);
  const plan = planIntent(paused, ask("promote"));
  expect(plan.message).toContain("it is paused, so this waits for serin resume");
  expect(planIntent(paused, ask("abort")).message).not.toContain("paused");
  const resumed = planIntent(written(paused, plan), ask("resume"));
  expect(resumed).toMatchObject({ kind: "write", annotations: { [PAUSE_ANNOTATION]: null } });
  expect(readIntent(written(written(paused, plan), resumed))).toMatchObject({ action: "promote" });
});

test("planIntent: a Canary that is being deleted takes no wish", () => {
  const canary = canaryIn("Progressing");
  const going = { ...canary, metadata: { ...canary.metadata, deletionTimestamp: at } };
  for (const wish of [...intentActions, "pause"] as const) expect(planIntent(going, ask(wish)).kind).toBe("refuse");
});

test.each<[Wish, Partial<Canary["status"]>, string]>([
  ["abort", { phase: "Failed" }, "done"],
  ["abort", { phase: "Progressing" }, "pending"],
  ["abort", { phase: "Succeeded" }, "failed"],
  ["abort", { phase: "Progressing", lastAppliedSpec: "s3" }, "failed"],
  ["promote", { phase: "Finalising", lastPromotedSpec: "s1" }, "pending"],
  ["promote", { phase: "Succeeded", lastPromotedSpec: "s2" }, "done"],
  ["promote", { phase: "Failed" }, "failed"],
  ["promote", { phase: "Progressing", lastAppliedSpec: "s3" }, "failed"],
  ["undo", { phase: "Succeeded", lastAppliedSpec: "s3", lastPromotedSpec: "s3" }, "pending"],
  ["undo", { phase: "Succeeded", lastAppliedSpec: "s2", lastPromotedSpec: "s2" }, "done"],
  ["undo", { phase: "Failed", lastAppliedSpec: "s2", lastPromotedSpec: "s3" }, "failed"],
  ["retry", { phase: "Failed" }, "pending"],
  ["retry", { phase: "Progressing" }, "done"],
  ["skip", { phase: "Progressing" }, "done"],
  ["pause", { phase: "Progressing" }, "pending"],
])("effectOf: %s with status %j is %s", (wish, status, expected) => {
  const canary = canaryIn("Progressing");
  expect(effectOf({ ...canary, status: { ...canary.status, ...status } }, wish, "s2").kind).toBe(expected);
});
