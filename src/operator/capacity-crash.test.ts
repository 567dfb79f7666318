import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flaggerCrds, istioCrds, kedaCrds, type KubeObject, type Resource, resources } from "#api";
import { startTestApiServer } from "#testing";
import { createFaultyClient } from "./faulty-client.ts";
import { badAt, isDone, isPhase, openScene, type Scene } from "./rehearsal-scene.ts";
import { autoscaler, canaryWith, configured, settings } from "./rehearsal-objects.ts";
import { playScalers, type RehearsalScalers } from "./rehearsal-scalers.ts";
import { FLOOR_ANNOTATION } from "./scalers/index.ts";

/**
 * An operator that dies after any of its writes, and another that takes over: at the end nothing is held, paused or without
 * pods because of a release that is over. Each number of writes is one run. In the gate the four releases share them, every
 * eighth to each; with `SERIN_CRASH_ALL=1` each release dies after each of its writes.
 */

const STRIDE = process.env.SERIN_CRASH_ALL === undefined ? 8 : 1;
/** Releases at once: most of their time they wait for the reserve to be given back. */
const CONCURRENCY = 8;
const OWN_MIN = 2;
/** Pods that the load asks for: the canary is held at 3 of them, the primary at 4 and, taking over, at 5. */
const LOAD = 4;

/** Two lives, on a machine that others use too. */
const LIFE_COUNT = 5;

interface Scaling {
  readonly name: string;
  readonly resource: Resource;
  readonly source: KubeObject;
  readonly minField: string;
}

const scalings: readonly Scaling[] = [
  {
    name: "hpa",
    resource: resources.horizontalPodAutoscalers,
    source: {
      ...autoscaler,
      metadata: { name: "web-scaler" },
      spec: { ...autoscaler.spec, minReplicas: OWN_MIN },
    },
    minField: "minReplicas",
  },
  {
    name: "keda",
    resource: resources.scaledObjects,
    source: {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name: "web-scaler" },
      spec: {
        scaleTargetRef: { name: "web" },
        minReplicaCount: OWN_MIN,
        maxReplicaCount: 6,
        triggers: [
          { type: "cron", metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 9 * * *", desiredReplicas: "4" } },
        ],
      },
    },
    minField: "minReplicaCount",
  },
];

let rehearsal: Scene;
let scalers: RehearsalScalers;
const stop = new AbortController();

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), {
    crds: [...flaggerCrds(), ...istioCrds(), ...kedaCrds()],
    answer: badAt(50),
  });
  scalers = await playScalers(rehearsal.client, stop.signal);
});

afterAll(async () => {
  stop.abort();
  await rehearsal.close();
});

describe.each(scalings)("scaled by $name", (scaling) => {
  test.each(["Succeeded", "Failed"] as const)(
    "crash at any write: a release that ends %s leaves nothing held, paused or without pods",
    { timeout: 600_000 },
    async (phase) => {
      const prefix = `${phase === "Failed" ? "bad" : "good"}-${scaling.name}`;
      const calm = await run({ scaling, phase, namespace: `${prefix}-calm` });
      expect(calm.end, "undisturbed").toEqual(wanted(phase));
      const writesOf = (name: string) =>
        calm.writes.filter((write) => write === `patch ${scaling.resource.plural}/${name}`);
      expect(writesOf("web-scaler").length, "raised and given back").toBeGreaterThanOrEqual(2);
      expect(writesOf("web-scaler-primary").length).toBeGreaterThanOrEqual(2);
      const first = 1 + (scalings.indexOf(scaling) + (phase === "Failed" ? 1 : 0));
      const counts = Array.from({ length: calm.writes.length }, (_, index) => index + 1)
        .filter((count) => (count - first) % STRIDE === 0)
        .values();
      const work = async (): Promise<void> => {
        for (const diesAfter of counts) {
          const { end } = await run({ scaling, phase, namespace: `${prefix}-${diesAfter}`, diesAfter });
          expect(end, `dies after ${diesAfter} writes, the last of them ${calm.writes[diesAfter - 1]}`).toEqual(
            wanted(phase),
          );
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    },
  );
});

interface End {
  readonly phase: string | undefined;
  /** Lower bounds of the autoscaler and of its twin. */
  readonly mins: readonly unknown[];
  readonly leaseCount: number;
  readonly isTwinPaused: boolean;
  readonly targetCount: number | undefined;
  readonly hasPrimaryEnough: boolean;
}

function wanted(phase: string): End {
  return {
    phase,
    mins: [OWN_MIN, OWN_MIN],
    leaseCount: 0,
    isTwinPaused: false,
    targetCount: 0,
    hasPrimaryEnough: true,
  };
}

interface Run {
  readonly scaling: Scaling;
  readonly phase: "Succeeded" | "Failed";
  readonly namespace: string;
  /** Absent for an operator that lives. */
  readonly diesAfter?: number;
}

async function run({ scaling, phase, namespace, diesAfter }: Run): Promise<{ end: End; writes: readonly string[] }> {
  const { apiVersion, kind } = scaling.source;
  const canary = canaryWith({
    autoscalerRef: { apiVersion, kind, name: "web-scaler" },
    capacity: { reserveWindow: "1s" },
  });
  scalers.loads.set(namespace, LOAD);
  await rehearsal.createNamespace(namespace, [settings, configured, scaling.source, canary]);
  const first = new AbortController();
  const { client, writes } = createFaultyClient(
    rehearsal.client,
    diesAfter === undefined ? {} : { diesAfter, onDeath: () => first.abort() },
  );
  const dying = rehearsal.runOperator({ namespace, client, signal: first.signal });
  const ending = release(namespace).then(() => rehearsal.until(namespace, isDone(phase), LIFE_COUNT));
  await Promise.race([aborted(first.signal), ending]);
  // The reserve is given back in steps after the phase is written.
  if (diesAfter === undefined) await settled(scaling, namespace);
  first.abort();
  await dying;
  const second = new AbortController();
  const taking = rehearsal.runOperator({ namespace, signal: second.signal });
  await ending;
  await settled(scaling, namespace);
  second.abort();
  await taking;
  return { end: await endOf(scaling, namespace), writes };
}

async function release(namespace: string): Promise<void> {
  await rehearsal.until(namespace, isPhase("Initialized"), LIFE_COUNT);
  await rehearsal.release(namespace);
}

/** Waits until nothing is held any more, or long enough to see that it stays so. */
async function settled(scaling: Scaling, namespace: string): Promise<void> {
  for (let look = 0; look < 400; look++) {
    const { leaseCount, targetCount } = await endOf(scaling, namespace);
    if (leaseCount === 0 && targetCount === 0) return;
    await rehearsal.pass(1000);
  }
}

async function endOf({ resource, minField }: Scaling, namespace: string): Promise<End> {
  const scalers = await Promise.all(
    ["web-scaler", "web-scaler-primary"].map((name) => rehearsal.client.get<KubeObject>(resource, { namespace, name })),
  );
  const [target, primary] = await Promise.all(
    ["web", "web-primary"].map((name) => rehearsal.deployment(namespace, name)),
  );
  const annotations = scalers.map((scaler) => scaler?.metadata.annotations ?? {});
  return {
    phase: (await rehearsal.canary(namespace))?.status?.phase,
    mins: scalers.map((scaler) => (scaler?.spec as Record<string, unknown> | undefined)?.[minField]),
    leaseCount: annotations.filter((texts) => texts[FLOOR_ANNOTATION] !== undefined).length,
    isTwinPaused: annotations[1]?.["autoscaling.keda.sh/paused-replicas"] !== undefined,
    targetCount: target?.spec.replicas,
    hasPrimaryEnough: (primary?.spec.replicas ?? 0) >= OWN_MIN,
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
