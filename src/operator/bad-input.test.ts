import { afterAll, beforeAll, expect, test } from "vitest";
import { type Canary, type Event, flaggerCrds, gatewayCrds, istioCrds, type KubeObject, resources } from "#api";
import { startTestApiServer, type TestApiServer } from "#testing";
import { type BadInput, badInputs } from "./bad-input-cases.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { canary, canaryWith, deployment } from "./rehearsal-objects.ts";

/** Every field that can be wrong, each in a Canary of its own, beside one that is right. */

const NAMESPACE = "bad";
const LOOK_COUNT = 10;

let server: TestApiServer;
let rehearsal: Rehearsal;

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server, { crds: [...flaggerCrds(), ...istioCrds(), ...gatewayCrds()] });
});

afterAll(async () => {
  await rehearsal.close();
  await server.close();
});

const { targetRef } = canary.spec;
const range = (thresholdRange: object): object => ({ metrics: [{ name: "errors", thresholdRange }] });
const timeLimit = (timeout: string): object => ({ webhooks: [{ name: "a", url: "http://a.test", timeout }] });
/** Behind `web`, which is the older of two Canaries of one second. */
const nameOf = (index: number): string => `x${index}`;

/** The Canary of a case, with a target of its own; its right form when `isMended`. */
function canaryOf(index: number, { spec, analysis }: BadInput): Canary {
  const name = nameOf(index);
  const own = canaryWith({ targetRef: { ...canary.spec.targetRef, name }, ...spec }, analysis);
  const { targetRef } = own.spec;
  // The schema takes one way of moving traffic only.
  const { stepWeight, ...others } = own.spec.analysis;
  const hasOther = analysis?.iterations !== undefined || analysis?.stepWeights !== undefined;
  const only = hasOther || stepWeight === undefined ? others : { ...others, stepWeight };
  return { ...own, metadata: { name }, spec: { ...own.spec, targetRef, analysis: only } };
}

function mendedSpec(index: number): Canary["spec"] {
  return { ...canary.spec, targetRef: { ...canary.spec.targetRef, name: nameOf(index) } };
}

function objectsOf(index: number, input: BadInput): KubeObject[] {
  const target = { ...deployment, metadata: { name: nameOf(index) } };
  return [target, canaryOf(index, input), ...(input.objects ?? [])];
}

function refusalOf(object: Canary | undefined): string | undefined {
  return object?.status?.conditions?.find(({ type, status }) => type === "Accepted" && status === "False")?.message;
}

async function canaries(): Promise<ReadonlyMap<string, Canary>> {
  const { items } = await rehearsal.client.list<Canary>(resources.canaries, { namespace: NAMESPACE });
  return new Map(items.map((object) => [object.metadata.name ?? "", object]));
}

/** Cases whose Canary is not as it should be, by their titles. */
async function casesWhere(isWrong: (refusal: string | undefined, path: string) => boolean): Promise<string[]> {
  const now = await canaries();
  return badInputs.flatMap(({ title, path }, index) => {
    const refusal = refusalOf(now.get(nameOf(index)));
    return isWrong(refusal, path) ? [`${title}: ${refusal}`] : [];
  });
}

async function release(): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
  const key = { namespace: NAMESPACE, name: "web" };
  await rehearsal.client.patch(resources.deployments, key, { kind: "strategic", body });
}

/** Cases that were not told once, with path and fix, and why. */
async function casesToldOtherwise(): Promise<string[]> {
  const { items } = await rehearsal.client.list<Event>(resources.events, { namespace: NAMESPACE });
  const now = await canaries();
  return badInputs.flatMap(({ title, path }, index) => {
    const conditions = now.get(nameOf(index))?.status?.conditions?.filter(({ type }) => type === "Accepted") ?? [];
    const message = conditions[0]?.message ?? "";
    // A target that is missing is told in Flagger's words.
    const words = path === "spec.targetRef.name" ? path : message;
    const events = items.filter(
      (event) => event.involvedObject.name === nameOf(index) && event.message?.includes(path) === true,
    );
    const [event] = events;
    const isTold = event?.message?.replace("Cannot run the canary: ", "").includes(words) === true;
    const isOnce = events.length === 1 && event?.count === 1 && event.type === "Warning";
    const hasFix = /must |\(.+\)$/.test(message);
    if (isTold && isOnce && hasFix && conditions.length === 1) return [];
    return [`${title}: ${message} | ${events.map((each) => `${each.count} × ${each.message}`).join(" | ")}`];
  });
}

async function mend(index: number, { mend: objects }: BadInput): Promise<void> {
  if (objects !== undefined) return rehearsal.createObjects(NAMESPACE, objects);
  const key = { namespace: NAMESPACE, name: nameOf(index) };
  const live = await rehearsal.client.get<Canary>(resources.canaries, key);
  if (live === undefined) throw new Error(`${nameOf(index)} is gone`);
  await rehearsal.client.update(resources.canaries, { ...live, spec: mendedSpec(index) });
}

test("every wrong field is one condition and one event with path and fix, and disturbs no other Canary", async () => {
  const objects = badInputs.flatMap((input, index) => objectsOf(index, input));
  const first = new AbortController();
  await rehearsal.createNamespace(NAMESPACE, [deployment, canary, ...objects]);
  const before = rehearsal.runOperator({ namespace: NAMESPACE, signal: first.signal });
  await rehearsal.until(NAMESPACE, (object) => object.status?.phase === "Initialized");
  const isUntold = (refusal: string | undefined, path: string): boolean => refusal?.startsWith(`${path}: `) !== true;
  await expect.poll(() => casesWhere(isUntold), { timeout: 20_000 }).toEqual([]);
  for (let look = 1; look <= LOOK_COUNT; look++) {
    const body = { metadata: { annotations: { look: String(look) } } };
    const touches = badInputs.map((_, index) =>
      rehearsal.client.patch(
        resources.canaries,
        { namespace: NAMESPACE, name: nameOf(index) },
        { kind: "merge", body },
      ),
    );
    await Promise.all(touches);
  }
  await release();
  await rehearsal.until(NAMESPACE, (object) => object.status?.phase === "Progressing");
  first.abort();
  await before;
  const second = new AbortController();
  const after = rehearsal.runOperator({ namespace: NAMESPACE, signal: second.signal });
  try {
    await rehearsal.until(NAMESPACE, (object) => object.status?.phase === "Succeeded");
    expect(await casesWhere(isUntold)).toEqual([]);
    expect(await casesToldOtherwise()).toEqual([]);
    await Promise.all(badInputs.map((input, index) => mend(index, input)));
    await expect.poll(() => casesWhere((refusal) => refusal !== undefined), { timeout: 20_000 }).toEqual([]);
  } finally {
    second.abort();
    await after;
  }
}, 90_000);

test("Canaries that come while the kinds of their provider are being opened wait for them, and are refused nothing", async () => {
  const spec = { ...canary.spec, provider: "gatewayapi:v1", service: { port: 9898, gatewayRefs: [{ name: "entry" }] } };
  const names = ["a", "b", "c", "d"];
  const objects = names.flatMap((name): KubeObject[] => [
    { ...deployment, metadata: { name } },
    { ...canary, metadata: { name }, spec: { ...spec, targetRef: { ...targetRef, name } } } as Canary,
  ]);
  await rehearsal.withOperator("opening", [deployment, canary, ...objects], async () => {
    const read = async () => (await rehearsal.client.list<Canary>(resources.canaries, { namespace: "opening" })).items;
    const phases = async () => (await read()).map(({ status }) => status?.phase);
    await expect.poll(phases, { timeout: 20_000 }).toEqual(Array(5).fill("Initialized"));
  });
  expect((await rehearsal.events("opening")).filter((message) => message.includes("cannot be read"))).toEqual([]);
});

test.each<[string, string, Partial<Canary["spec"]>, object]>([
  ["a number as text", "spec.analysis.metrics[0].thresholdRange.min", {}, range({ min: "NaN" })],
  ["an interval without a unit", "spec.analysis.interval", {}, { interval: "10" }],
  ["a time limit without a unit", "spec.analysis.webhooks[0].timeout", {}, timeLimit("10")],
  ["a provider that nobody has", "spec.provider", { provider: "abacus" }, {}],
  ["a kind that is no workload", "spec.targetRef.kind", { targetRef: { ...targetRef, kind: "Job" } }, {}],
  ["two ways of moving traffic", "spec.analysis", {}, { iterations: 2 }],
])("what the schema refuses never gets in, with its path: %s", async (_, path, spec, analysis) => {
  const object = { ...canaryWith(spec, analysis), metadata: { name: "refused", namespace: "default" } };
  const refused = rehearsal.client.create(resources.canaries, object);
  await expect(refused).rejects.toMatchObject({ httpStatus: 422, message: expect.stringContaining(path) });
});
