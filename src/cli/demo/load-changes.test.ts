import { expect, test } from "vitest";
import type { KubeObject } from "#api";
import { isObject } from "#base";
import { readManifests } from "../output/manifests.ts";
import { withLoadChanges } from "./load-changes.ts";

const article = readManifests("examples/article");
const keda = readManifests("examples/article/keda");

test("examples/article/keda: its Canary differs from the article's in the autoscaler alone", () => {
  const specOf = (objects: readonly KubeObject[]): Record<string, unknown> => {
    const spec = objects.find(({ kind }) => kind === "Canary")?.spec;
    return isObject(spec) ? spec : {};
  };
  const { autoscalerRef: own, ...others } = specOf(article);
  const { autoscalerRef, ...rest } = specOf(keda);
  expect(rest).toEqual(others);
  expect([own, autoscalerRef]).toMatchObject([{ kind: "HorizontalPodAutoscaler" }, { kind: "ScaledObject" }]);
});

test("withLoadChanges: the app has a limit, its autoscaler the demo's pace, and visitors are the only load", () => {
  const changed = withLoadChanges([...article, ...keda]);
  const specOf = (kind: string, name: string): string =>
    JSON.stringify(changed.find((object) => object.kind === kind && object.metadata.name === name)?.spec);
  expect(specOf("Deployment", "canary-app")).toContain('"name":"PODINFO_CAPACITY","value":"concurrency=2,time=200ms');
  expect(specOf("Deployment", "canary-app")).toContain('"PODINFO_UI_COLOR"');
  expect(specOf("Deployment", "flagger-loadtester")).not.toContain("PODINFO_CAPACITY");
  expect(specOf("ScaledObject", "canary-app")).toContain('"threshold":"7"');
  expect(specOf("ScaledObject", "canary-app")).toContain("}[10s])");
  const articleCanaries = changed.filter(({ kind }) => kind === "Canary");
  for (const { spec } of articleCanaries) {
    expect(JSON.stringify(spec)).toContain('"warm-up"');
    expect(JSON.stringify(spec)).not.toContain('"load-test"');
  }
  // The objects that were read stay as they are.
  expect(JSON.stringify(article)).not.toContain("PODINFO_CAPACITY");
});
