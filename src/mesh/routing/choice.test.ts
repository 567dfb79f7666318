import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#base";
import { chooseEndpoint } from "./load-balance.ts";
import { HEALTHY, isPanicking, type OutlierPolicy, recordOutcome, sweepHealth } from "./outlier.ts";
import { compileRetryPolicy, isRetriable, retryBackoffMs, type TryOutcome } from "./retry-policy.ts";
import { decideCors, compileCors } from "./cors.ts";
import { rollFault } from "./fault.ts";
import { chooseByWeight, nextPosition } from "./weighted-choice.ts";

function shares(weights: readonly number[], count: number, start: number, every = 1): number[] {
  const targets = weights.map((weight) => ({ weight }));
  const counts = weights.map(() => 0);
  let position = start;
  for (let index = 0; index < count * every; index++) {
    position = nextPosition(position);
    if (index % every !== 0) continue;
    const chosen = chooseByWeight(targets, position);
    counts[chosen] = (counts[chosen] ?? 0) + 1;
  }
  return counts;
}

test("chooseByWeight is within three of a hundred requests, for each kind of requests that take turns too", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.nat(0xffffffff),
      fc.integer({ min: 1, max: 8 }),
      (weight, start, every) => {
        const [first = 0, second = 0] = shares([100 - weight, weight], 100, start, every);
        expect(first + second).toBe(100);
        expect(Math.abs(second - weight)).toBeLessThanOrEqual(every === 1 ? 2 : 8);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

test("chooseByWeight never takes a target without weight", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 5 }), fc.nat(0xffffffff), (weights, position) => {
      fc.pre(weights.some((weight) => weight > 0));
      expect(
        weights[
          chooseByWeight(
            weights.map((weight) => ({ weight })),
            position,
          )
        ],
      ).toBeGreaterThan(0);
    }),
    { seed: 2 },
  );
});

test.each(["leastRequest", "roundRobin", "random", "hash"] as const)(
  "chooseEndpoint by %s always chooses one of those there are",
  (kind) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9 }),
        fc.nat(1000),
        fc.nat(),
        fc.option(fc.string(), { nil: undefined }),
        (count, cursor, seed, hashKey) => {
          const candidates = Array.from({ length: count }, (_, index) => ({ key: `k${index}`, activeCount: index }));
          const random = seededRandom(seed);
          const chosen = chooseEndpoint(candidates, { kind, cursor, chance: () => random.next(), hashKey });
          if (count === 0) expect(chosen).toBe(-1);
          else expect(candidates[chosen]).toBeDefined();
        },
      ),
      { seed: 3 },
    );
  },
);

test("chooseEndpoint by hash moves only the keys of an endpoint that leaves", () => {
  const all = Array.from({ length: 5 }, (_, index) => ({ key: `10.0.0.${index}:80`, activeCount: 0 }));
  const keys = Array.from({ length: 1000 }, (_, index) => `user-${index}`);
  const pick = (candidates: typeof all, hashKey: string): string | undefined =>
    candidates[chooseEndpoint(candidates, { kind: "hash", cursor: 0, chance: () => 0, hashKey })]?.key;
  const counts = new Map<string | undefined, number>();
  for (const key of keys) {
    const before = pick(all, key);
    counts.set(before, (counts.get(before) ?? 0) + 1);
    if (before !== all[4]?.key) expect(pick(all.slice(0, 4), key)).toBe(before);
  }
  for (const count of counts.values()) expect(count).toBeGreaterThan(120);
});

const POLICY: OutlierPolicy = {
  consecutive5xxMax: 3,
  consecutiveGatewayMax: Number.POSITIVE_INFINITY,
  baseEjectionMs: 30_000,
  intervalMs: 10_000,
  ejectionPercentMax: 50,
  healthPercentMin: 0,
};
const context = { policy: POLICY, nowMs: 0, hostCount: 2, ejectedCount: 0 };
const status = (code: number) => ({ kind: "status", status: code }) as const;

function afterStatuses(codes: readonly number[], of = context) {
  return codes.reduce((health, code) => recordOutcome(health, status(code), of), HEALTHY);
}

test("recordOutcome ejects at the threshold of consecutive errors: admitting → ejecting", () => {
  expect(afterStatuses([500, 500]).phase).toBe("admitting");
  expect(afterStatuses([500, 500, 200, 500]).phase).toBe("admitting");
  expect(afterStatuses([500, 503, 500])).toMatchObject({ phase: "ejecting", ejectedUntilMs: 30_000, ejectionCount: 1 });
});

test("recordOutcome leaves the last endpoints that maxEjectionPercent protects", () => {
  expect(afterStatuses([500, 500, 500], { ...context, hostCount: 1 }).phase).toBe("admitting");
  expect(afterStatuses([500, 500, 500], { ...context, ejectedCount: 1 }).phase).toBe("admitting");
});

test("recordOutcome counts gateway errors, and failures of our own where they are split", () => {
  const gateway = {
    ...context,
    policy: { ...POLICY, consecutive5xxMax: Number.POSITIVE_INFINITY, consecutiveGatewayMax: 2 },
  };
  expect(afterStatuses([503, 500, 503], gateway).phase).toBe("admitting");
  expect(afterStatuses([502, 504], gateway).phase).toBe("ejecting");
  const split = { ...context, policy: { ...POLICY, consecutiveLocalMax: 1 } };
  expect(recordOutcome(HEALTHY, { kind: "local", isTimeout: false }, split).phase).toBe("ejecting");
  expect(recordOutcome(HEALTHY, { kind: "local", isTimeout: true }, context).consecutiveGatewayCount).toBe(1);
});

test("sweepHealth lets an endpoint return on probation: ejecting → probing → (admitting | ejecting)", () => {
  const ejected = afterStatuses([500, 500, 500]);
  expect(sweepHealth(ejected, POLICY, 29_999).phase).toBe("ejecting");
  const probing = sweepHealth(ejected, POLICY, 30_000);
  expect(probing.phase).toBe("probing");
  expect(recordOutcome(probing, status(200), context).phase).toBe("admitting");
  const again = recordOutcome(probing, status(500), { ...context, nowMs: 30_000 });
  expect(again).toMatchObject({ phase: "ejecting", ejectedUntilMs: 90_000, ejectionCount: 2 });
});

test("sweepHealth forgives one ejection for each quiet interval", () => {
  const back = { ...HEALTHY, ejectionCount: 2, forgivenAtMs: 0 };
  expect(sweepHealth(back, POLICY, 9_999).ejectionCount).toBe(2);
  expect(sweepHealth(back, POLICY, 10_000).ejectionCount).toBe(1);
});

test("isPanicking compares the share that is left with the minimum", () => {
  const policy = { ...POLICY, healthPercentMin: 30 };
  expect([isPanicking(policy, 3, 2), isPanicking(policy, 1, 1), isPanicking(POLICY, 1, 1)]).toEqual([
    false,
    true,
    false,
  ]);
});

const outcomes: readonly [string | undefined, TryOutcome, boolean][] = [
  [undefined, { kind: "connectFailure" }, true],
  [undefined, { kind: "reset", isIdempotent: true }, true],
  [undefined, { kind: "reset", isIdempotent: false }, false],
  [undefined, { kind: "perTryTimeout" }, false],
  [undefined, { kind: "response", status: 503 }, false],
  [undefined, { kind: "response", status: 200, grpcStatus: "14" }, true],
  ["5xx", { kind: "response", status: 500 }, true],
  ["5xx", { kind: "perTryTimeout" }, true],
  ["5xx", { kind: "response", status: 429 }, false],
  ["gateway-error", { kind: "response", status: 500 }, false],
  ["gateway-error", { kind: "response", status: 504 }, true],
  ["retriable-4xx", { kind: "response", status: 409 }, true],
  ["429,reset", { kind: "response", status: 429 }, true],
  ["429,reset", { kind: "reset", isIdempotent: false }, true],
];

test.each(outcomes)("isRetriable with retryOn %s and %j is %s", (retryOn, outcome, expected) => {
  const policy = compileRetryPolicy(retryOn === undefined ? undefined : { attempts: 1, retryOn });
  expect(isRetriable(policy, outcome)).toBe(expected);
});

test("retryBackoffMs doubles up to ten times the base", () => {
  const policy = compileRetryPolicy(undefined);
  expect([0, 1, 2, 3, 4, 60].map((index) => retryBackoffMs(policy, index, 1))).toEqual([25, 50, 100, 200, 250, 250]);
});

test("rollFault rolls delay and abort independently", () => {
  const fault = { delay: { delayMs: 5, share: 0.5 }, abort: { status: 500, share: 0.5 } };
  const rolls = [0.9, 0.1];
  expect(rollFault(fault, () => rolls.shift() ?? 1)).toEqual({ delayMs: 0, abortStatus: 500 });
  expect(rollFault({ delay: { delayMs: 5, share: 0 } }, () => 0)).toEqual({ delayMs: 0, abortStatus: undefined });
});

test("decideCors answers allowed preflights, forwards others, and never blocks a simple request", () => {
  const policy = compileCors({
    allowOrigins: [{ exact: "https://a.com" }],
    allowMethods: ["GET", "PUT"],
    maxAge: "24h",
  });
  if (policy === undefined) throw new Error("a policy was given");
  const preflight = { method: "OPTIONS", requestedMethod: "PUT" };
  expect(decideCors(policy, { ...preflight, origin: "https://a.com" })).toEqual({
    kind: "preflight",
    headers: [
      ["access-control-allow-origin", "https://a.com"],
      ["access-control-allow-methods", "GET,PUT"],
      ["access-control-max-age", "86400"],
    ],
  });
  expect(decideCors(policy, { ...preflight, origin: "https://b.com" })).toEqual({ kind: "pass", headers: [] });
  expect(
    decideCors(policy, { method: "GET", origin: "https://a.com", requestedMethod: undefined }).headers,
  ).toHaveLength(1);
});
