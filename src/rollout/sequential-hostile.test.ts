import fc from "fast-check";
import { expect, test } from "vitest";
import { deepCopy, isObject } from "#base";
import type { MetricSamples, Samples } from "./observation.ts";
import { decideScene, NOW_MS, type Scene } from "./scene.ts";
import { release, healthy, sequential } from "./sequential-world.ts";

/** What a status and a metrics provider may hold, whoever wrote it: decisions stay decisions. */

const trip = release({ service: healthy, seed: 4, lookCount: 30 });
const evidence = { ...trip.last.status.evidence, revision: "s-new" };
const sound: Samples = trip.recording.get(29) ?? { untilMs: undefined, metrics: [] };

const holding = /^(collect|hold-\w+(-\w+)?|restart-analysis|advance|ask-samples|on-timeout-\w+)$/;

function sceneOf(changed: unknown, samples: Samples): Scene {
  return {
    analysis: sequential,
    status: {
      phase: "Progressing",
      canaryWeight: 10,
      lastTransitionTime: new Date(NOW_MS - 60_000).toISOString(),
      evidence: changed as Record<string, unknown>,
    },
    answers: { samples: { kind: "samples", samples } },
  };
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, "", "x", true, [], {}, 0, -1, 0.5, 1, 101, 1e9, 1e308, -1e308, Number.NaN),
  fc.double(),
  fc.array(fc.integer(), { maxLength: 3 }),
);

/** A copy with something odd in one place, found by walking down at random. A number takes the place of a number. */
function withOdd(value: unknown, turns: readonly number[], leaf: unknown): unknown {
  const copy: unknown = deepCopy(value);
  let inner = copy;
  for (const [depth, turn] of turns.entries()) {
    if (!isObject(inner) && !Array.isArray(inner)) break;
    const keys = Object.keys(inner);
    const key = keys[turn % Math.max(1, keys.length)];
    if (key === undefined) break;
    const next: unknown = Reflect.get(inner, key);
    const isLast = depth === turns.length - 1 || (!isObject(next) && !Array.isArray(next));
    if (isLast) {
      if (typeof leaf !== "number" || typeof next === "number") Reflect.set(inner, key, leaf);
      break;
    }
    inner = next;
  }
  return copy;
}

const turns = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 7 });

test("decide: whatever stands in status.evidence, a canary with sound samples is neither rolled back nor promoted by it", () => {
  fc.assert(
    fc.property(turns, odd, (path, leaf) => {
      const decision = decideScene(sceneOf(withOdd(evidence, path, leaf), sound));
      expect(decision.label).toMatch(holding);
      expect(() => JSON.stringify(decision.status)).not.toThrow();
    }),
    { numRuns: 400, seed: 20260105 },
  );
});

const oddNumber = fc.oneof(fc.double(), fc.constantFrom(-1, 0.5, 1e9, 1e308, Number.NaN, Number.POSITIVE_INFINITY));

test("decide: whatever numbers a provider sends, nothing is thrown, and nothing is promoted by them", () => {
  fc.assert(
    fc.property(turns, oddNumber, fc.nat({ max: 1 }), (path, leaf, index) => {
      const metrics = sound.metrics.map((metric, at) =>
        at === index ? (withOdd(metric, path.slice(0, 4), leaf) as MetricSamples) : metric,
      );
      const named = metrics.map((metric, at) => ({ ...metric, name: sound.metrics[at]?.name ?? "" }));
      const decision = decideScene(sceneOf(evidence, { ...sound, metrics: named }));
      expect(decision.label).not.toBe("promote");
    }),
    { numRuns: 300, seed: 20260106 },
  );
});

test("decide: another revision takes no evidence over", () => {
  const scene = sceneOf(evidence, sound);
  const restarted = decideScene({ ...scene, target: { templateHash: "s-other" } });
  expect(restarted.label).toBe("restart");
  expect(restarted.status.evidence).toBeUndefined();
});
