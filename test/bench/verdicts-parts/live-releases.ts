import type { KubeObject } from "#api";
import { deepCopy, isObject } from "#base";
import { OLD_VERSION, NEW_VERSION } from "../../../src/cli/demo/changes.ts";
import { parseDemoOptions } from "../../../src/cli/demo/options.ts";
import { type Scenario, scenarioOf } from "../../../src/cli/demo/scenario.ts";
import { NAME } from "../../../src/cli/demo/stage.ts";
import type { Expected } from "./why.ts";

/** What is released on the embedded cluster: the demo's app, that takes 20 to 60 ms for each answer, and two bad versions of it. */

export type KindName = "A/A" | "errors" | "latency";

export interface ReleaseKind {
  readonly name: KindName;
  /** For people. */
  readonly title: string;
  readonly expected: Expected;
  readonly version: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The app's work on a request, drawn anew for each. Source: podinfo's --random-delay. */
const WORK_MS = { min: 20, max: 60 };

/** Each version sets all of them: what is not named in a patch stays as the release before had it. */
function envOf({ fault = "", times = 1 }: { readonly fault?: string; readonly times?: number }): ReleaseKind["env"] {
  return {
    PODINFO_FAULT: fault,
    PODINFO_RANDOM_DELAY_MIN: String(times * WORK_MS.min),
    PODINFO_RANDOM_DELAY_MAX: String(times * WORK_MS.max),
  };
}

export const releaseKinds: readonly ReleaseKind[] = [
  {
    name: "A/A",
    title: "A/A: the same version once more",
    expected: { outcome: "promoted", metric: undefined },
    version: OLD_VERSION,
    env: envOf({}),
  },
  {
    name: "errors",
    title: "5 points of errors more",
    expected: { outcome: "rolled back", metric: "request-success-rate" },
    version: NEW_VERSION,
    env: envOf({ fault: "errors=5%" }),
  },
  {
    name: "latency",
    title: "twice the latency",
    expected: { outcome: "rolled back", metric: "request-duration" },
    version: NEW_VERSION,
    env: envOf({ times: 2 }),
  },
];

/**
 * The releases in their order: `runCount` times A/A, half as often (rounded up) each of the bad ones, taken in turn, so that every
 * kind comes after every other.
 */
export function plannedReleases(runCount: number): readonly ReleaseKind[] {
  const good = releaseKinds.filter(({ name }) => name === "A/A");
  const bad = releaseKinds.filter(({ name }) => name !== "A/A");
  return Array.from({ length: Math.ceil(runCount / 2) }, (_, index) => index).flatMap((index) =>
    bad.flatMap((kind, place) => (2 * index + place < runCount ? [...good, kind] : [kind])),
  );
}

/** The demo's objects and load, without its tolerance for latency: it is wide for a machine that does everything, and would pass latency x2. */
export function liveScenario(): Scenario {
  const options = parseDemoOptions({});
  if (!options.ok) throw new Error(options.error);
  const scenario = scenarioOf(options.value);
  return { ...scenario, objects: scenario.objects.map(adapted) };
}

function adapted(object: KubeObject): KubeObject {
  const copy = deepCopy(object) as { kind: string; spec?: unknown };
  if (!isObject(copy.spec)) return object;
  if (copy.kind === "Canary") setDefaultTolerance(copy.spec);
  if (copy.kind === "Deployment" && object.metadata.name === NAME) setWork(copy.spec);
  return copy as KubeObject;
}

function setDefaultTolerance({ analysis }: Record<string, unknown>): void {
  if (!isObject(analysis) || !isObject(analysis.sequential)) throw new Error("the demo's Canary has no such analysis");
  const { tolerance: _, ...rest } = analysis.sequential;
  analysis.sequential = rest;
}

function setWork({ template }: Record<string, unknown>): void {
  const pod = isObject(template) && isObject(template.spec) ? template.spec : {};
  for (const container of Array.isArray(pod.containers) ? pod.containers.filter(isObject) : []) {
    const { command, env } = container;
    const words: readonly unknown[] = Array.isArray(command) ? command : [];
    container.command = [
      ...words.filter((word) => word !== "--random-delay=false"),
      "--random-delay=true",
      "--random-delay-unit=ms",
    ];
    container.env = [...(Array.isArray(env) ? env : []), ...listed(envOf({}))];
  }
}

/** The change that starts a release; its number makes each one a new revision. */
export function livePatch({ version, env }: ReleaseKind, number: number): object {
  const container = { name: NAME, image: `ghcr.io/stefanprodan/podinfo:${version}`, env: listed(env) };
  const metadata = { annotations: { "serin.dev/bench-release": String(number) } };
  return { spec: { template: { metadata, spec: { containers: [container] } } } };
}

function listed(env: ReleaseKind["env"]): { readonly name: string; readonly value: string }[] {
  return Object.entries(env).map(([name, value]) => ({ name, value }));
}
