import { expect, test } from "vitest";
import type { KubeObject } from "../meta.ts";
import type { KindDefinition } from "../kind.ts";
import { applyDefaults } from "../schema/apply-defaults.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import { validateSchema } from "../schema/validate-schema.ts";
import { flaggerCrds } from "./flagger-crds.ts";
import { kindsFromCrd } from "./kinds-from-crd.ts";

/** What Flagger's schemas take and refuse, beside the comparison with upstream's files. Source: flagger-spec 1. */

function kindOf(kind: string): KindDefinition {
  const crd = flaggerCrds().find(({ spec }) => (spec as { names: { kind: string } }).names.kind === kind);
  const kinds = crd === undefined ? undefined : kindsFromCrd(crd);
  const found = kinds?.ok === true ? kinds.value[0] : undefined;
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
}

const steps = { interval: "1m", threshold: 5, stepWeight: 10 };
const canary = (spec: object): KubeObject => ({
  apiVersion: "flagger.app/v1beta1",
  kind: "Canary",
  metadata: { name: "web" },
  spec: { targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, analysis: steps, ...spec },
});
const pathsOf = (kind: string, object: KubeObject): string[] => {
  const { schema } = kindOf(kind);
  // The server names the field of a broken choice in the message alone.
  return validateSchema(schema, applyDefaults(schema, object))
    .filter(({ message }) => !message.includes("validation rules were not checked"))
    .map(({ path, message }) => (path === "<nil>" ? (/"(spec[^"]*)" must validate/.exec(message)?.[1] ?? path) : path));
};

test.each<[string, string[]]>([
  [
    "Canary",
    "Status Weight Suspended FailedChecks Interval Mirror StepWeight StepWeights MaxWeight LastTransitionTime".split(
      " ",
    ),
  ],
  ["MetricTemplate", ["Provider"]],
  ["AlertProvider", ["Type"]],
])("flaggerCrds: %s is namespaced, of category all, with Flagger's columns in their order", (kind, columns) => {
  const definition = kindOf(kind);
  const names = definition.columns?.map(({ name }) => name) ?? [];
  expect(names.slice(0, columns.length)).toEqual(columns);
  expect(definition.resource).toMatchObject({ group: "flagger.app", version: "v1beta1", namespaced: true });
  expect(definition.hasStatus).toBe(true);
  const crd = flaggerCrds().find(({ metadata }) => metadata.name === `${definition.resource.plural}.flagger.app`);
  expect(crd?.spec).toMatchObject({ names: { categories: ["all"] } });
  expect(crd?.metadata.annotations?.["helm.sh/resource-policy"]).toBe("keep");
});

test.each<[string, object, string[]]>([
  ["weights without a service", {}, []],
  ["a service without a port", { service: { name: "web" } }, ["spec.service.port"]],
  ["iterations and weights at once", { analysis: { ...steps, iterations: 5 } }, ["spec.analysis"]],
  ["both kinds of steps", { analysis: { ...steps, stepWeights: [1, 2] } }, ["spec.analysis"]],
  [
    "an analysis without a threshold",
    { analysis: { interval: "1m", stepWeight: 10 } },
    ["spec.analysis", "spec.analysis.threshold"],
  ],
  ["an interval in hours", { analysis: { ...steps, interval: "1h" } }, ["spec.analysis.interval"]],
  ["a fraction as a number", { analysis: { ...steps, stepWeight: 2.5 } }, []],
  ["a provider nobody has", { provider: "bogus" }, ["spec.provider"]],
  [
    "an autoscaler of zero",
    {
      autoscalerRef: {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        name: "web",
        primaryScalerReplicas: { minReplicas: 0 },
      },
    },
    ["spec.autoscalerRef.primaryScalerReplicas.minReplicas"],
  ],
  [
    "a header condition of two kinds",
    { analysis: { ...steps, match: [{ headers: { a: { exact: "1", prefix: "2" } } }] } },
    ["spec.analysis.match[0].headers.a"],
  ],
  [
    "a mirror to a Service without a port",
    { service: { port: 80, mirror: [{ backendRef: { name: "web" } }] } },
    ["spec.service.mirror[0].backendRef"],
  ],
])("flaggerCrds: the Canary schema judges %s", (_, spec, paths) => {
  expect(pathsOf("Canary", canary(spec))).toEqual(paths);
});

test("flaggerCrds: maxAge of a cookie is a day, and what the schema does not list is pruned", () => {
  const { schema } = kindOf("Canary");
  const analysis = { ...steps, sessionAffinity: { cookieName: "c" }, match: [{ uri: { exact: "/" } }] };
  const given = applyDefaults(schema, canary({ analysis, canaryAnalysis: {}, bogus: 1 }));
  expect(given).toMatchObject({ spec: { analysis: { sessionAffinity: { maxAge: 86_400 } } } });
  expect(pruneUnknown(schema, given).unknown).toEqual(
    expect.arrayContaining(["spec.canaryAnalysis", "spec.bogus", "spec.analysis.match[0].uri"]),
  );
});

test("flaggerCrds: MetricTemplate needs a provider's type and a query", () => {
  const template = (spec: object): KubeObject => ({ ...canary({}), kind: "MetricTemplate", spec });
  expect(pathsOf("MetricTemplate", template({ provider: { type: "prometheus" }, query: "up" }))).toEqual([]);
  expect(pathsOf("MetricTemplate", template({ provider: {} }))).toEqual(
    expect.arrayContaining(["spec.provider.type", "spec.query"]),
  );
  expect(pathsOf("MetricTemplate", template({ provider: { type: "bogus" }, query: "up" }))).toContain(
    "spec.provider.type",
  );
});
