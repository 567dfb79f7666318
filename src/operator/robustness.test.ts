import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Canary, type KubeObject, resources } from "#api";
import { seededRandom } from "#base";
import { systemClock } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { createDisturbedClient, type Disturbance } from "./disturbed-client.ts";
import { createFaultyClient } from "./faulty-client.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canary, configured, settings } from "./rehearsal-objects.ts";
import { createTrafficWitness, type TrafficWitness } from "./traffic-witness.ts";

/**
 * Releases under an API server and a Prometheus that misbehave, one way at a time and all at once: each release ends as the
 * undisturbed one, and the witness sees nothing in between that must not be. `SERIN_ROBUSTNESS_SEEDS` sets how many seeds
 * each way gets; the failing seed is in the title.
 */

const SEED_COUNT = Number(process.env.SERIN_ROBUSTNESS_SEEDS ?? 5);
/** Releases at once: the machine is to be busy, not drowned. */
const CONCURRENCY = 8;
/** 5 s of the operator's time, which runs twenty times as fast. */
const SLOW_MS = 250;
/** How long Prometheus is away, in the operator's time: a minute in the gate, ten in a long run. */
const OUTAGE_MS = process.env.SERIN_ROBUSTNESS_SEEDS === undefined ? 60_000 : 600_000;

type Way = (seed: number) => Omit<Disturbance, "random" | "clock"> & {
  /** The operator dies after each so many writes, and another takes over. */
  readonly diesEvery?: number;
  readonly hasOutage?: boolean;
};

const ways: Readonly<Record<string, Way>> = {
  "every third write is refused": () => ({ refusesWrites: true }),
  "every watch breaks": () => ({ cutsWatches: true }),
  "the API is slow by 5 s": () => ({ delayMs: SLOW_MS }),
  "Prometheus is away for minutes": () => ({ hasOutage: true }),
  "the operator dies again and again": (seed) => ({ diesEvery: 1 + (seed % 7) }),
  "all of it": (seed) => ({ refusesWrites: true, cutsWatches: true, hasOutage: true, diesEvery: 3 + (seed % 5) }),
};

/** Strategies in turn with the seeds. */
const { stepWeight: _, maxWeight: __, ...checks } = canary.spec.analysis;
const variants: readonly Canary["spec"]["analysis"][] = [
  canary.spec.analysis,
  { ...checks, iterations: 2 },
  { ...canary.spec.analysis, mirror: true },
  { ...canary.spec.analysis, sessionAffinity: { cookieName: "side" } },
  { ...canary.spec.analysis, stepWeightPromotion: 50 },
];

interface Ending {
  readonly name: string;
  readonly image: string;
  readonly phase: "Succeeded" | "Failed";
}
const good: Ending = { name: "good", image: "podinfo:2", phase: "Succeeded" };
const bad: Ending = { name: "bad", image: "podinfo:2", phase: "Failed" };

let server: TestApiServer;
let rehearsal: Rehearsal;
let witness: TrafficWitness;
const outages = new Set<string>();
const stopWatching: (() => void)[] = [];

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server);
  rehearsal.prometheus.answer = (query) => {
    const namespace = /namespace="([^"]+)"/.exec(query)?.[1] ?? "";
    if (outages.has(namespace)) return "down";
    return query.includes("histogram_quantile") ? 12 : namespace.startsWith("bad") ? 50 : 100;
  };
  witness = createTrafficWitness((image, namespace) => image === "podinfo:1" || namespace.startsWith("good"));
  for (const collection of ["apps/deployments", "networking.istio.io/virtualservices"]) {
    const onChange = (change: { readonly type: "put" | "delete"; readonly current: { readonly object: KubeObject } }) =>
      witness.see({ type: change.type, object: change.current.object });
    stopWatching.push(server.store.watch({ collection, afterRevision: server.store.revision, onChange }));
  }
});

afterAll(async () => {
  for (const stop of stopWatching) stop();
  await rehearsal.close();
  await server.close();
});

describe.each([good, bad])("a $name release", (ending) => {
  test.each(Object.keys(ways))(
    "ends as it would have, and nobody is hurt, while %s",
    { timeout: 600_000 },
    async (name) => {
      const seeds = Array.from({ length: SEED_COUNT }, (_, index) => index + 1).values();
      const work = async (): Promise<void> => {
        for (const seed of seeds) {
          const end = await runRelease(ending, { name, seed });
          expect(end, `${name}, seed ${seed}`).toEqual(await undisturbed(ending, seed));
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    },
  );
});

const calm = new Map<string, Promise<Record<string, unknown>>>();

/** The end of the release when nothing goes wrong; one run for each strategy. */
async function undisturbed(ending: Ending, seed: number): Promise<Record<string, unknown>> {
  const key = `${ending.name} ${seed % variants.length}`;
  const run = calm.get(key) ?? runRelease(ending, { name: "calm", seed: seed % variants.length });
  calm.set(key, run);
  const end = await run;
  expect(end).toMatchObject({ phase: ending.phase, weights: [100, 0], replicas: 0, violations: [] });
  return end;
}

/** An operator that dies after every write needs a dozen lives for one release. */
const LIFE_COUNT = 5;

let runCount = 0;

async function runRelease(ending: Ending, run: { name: string; seed: number }): Promise<Record<string, unknown>> {
  const namespace = `${ending.name}-${runCount++}`;
  const way = ways[run.name]?.(run.seed) ?? {};
  const analysis = variants[run.seed % variants.length] ?? canary.spec.analysis;
  const object = { ...canary, spec: { ...canary.spec, analysis } };
  await rehearsal.createNamespace(namespace, [settings, configured, object]);
  const end = new AbortController();
  const operators = operateThrough(namespace, { way, seed: run.seed, signal: end.signal });
  try {
    await rehearsal.until(namespace, ({ status }) => status?.phase === "Initialized", LIFE_COUNT);
    await startRelease(namespace, ending.image);
    if (way.hasOutage === true) await outage(namespace);
    const isEnd = (object: Canary): boolean => isOver(object, ending.phase);
    return await describeEnd(namespace, await rehearsal.until(namespace, isEnd, LIFE_COUNT));
  } finally {
    end.abort();
    await operators;
  }
}

/** One operator after the other, each until it dies. */
async function operateThrough(
  namespace: string,
  { way, seed, signal }: { way: ReturnType<Way>; seed: number; signal: AbortSignal },
): Promise<void> {
  for (let life = 0; !signal.aborted; life++) {
    const death = new AbortController();
    const { client } = createFaultyClient(
      createDisturbedClient(rehearsal.client, { ...way, random: seededRandom(seed * 1000 + life), clock: systemClock }),
      way.diesEvery === undefined ? {} : { diesAfter: way.diesEvery, onDeath: () => death.abort() },
    );
    await rehearsal.runOperator({ namespace, signal: AbortSignal.any([signal, death.signal]), client });
  }
}

async function startRelease(namespace: string, image: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: "web", image }] } } } };
  await rehearsal.client.patch(resources.deployments, { namespace, name: "web" }, { kind: "strategic", body });
}

async function outage(namespace: string): Promise<void> {
  await rehearsal.until(
    namespace,
    ({ status }) => status?.phase === "Progressing" || status?.phase === "Failed",
    LIFE_COUNT,
  );
  outages.add(namespace);
  await rehearsal.pass(OUTAGE_MS);
  outages.delete(namespace);
}

function isOver({ status }: Canary, phase: string): boolean {
  return status?.phase === phase && status.conditions?.every(({ type }) => type !== "Draining") === true;
}

async function describeEnd(namespace: string, { status }: Canary): Promise<Record<string, unknown>> {
  const [primary, target] = await Promise.all(
    ["web-primary", "web"].map((name) => rehearsal.deployment(namespace, name)),
  );
  return {
    phase: status?.phase,
    canaryWeight: status?.canaryWeight,
    failedChecks: status?.failedChecks,
    isPromoted: status?.lastAppliedSpec === status?.lastPromotedSpec,
    weights: await rehearsal.weights(namespace),
    image: primary?.spec.template.spec.containers[0]?.image,
    // How often the primary was changed: nothing is rolled twice.
    generation: primary?.metadata.generation,
    replicas: target?.spec.replicas,
    violations: witness.violations(namespace),
  };
}
