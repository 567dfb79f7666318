import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Canary,
  type Deployment,
  type HorizontalPodAutoscaler,
  isConditionTrue,
  type KubeObject,
  resources,
} from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { NEW_VERSION, releasePatch, withDemoTimes } from "../../src/cli/demo/changes.ts";
import { type Load, startLoad } from "../../src/cli/demo/load.ts";
import { type DemoOptions, parseDemoOptions } from "../../src/cli/demo/options.ts";
import { readManifests } from "../../src/cli/output/manifests.ts";
import { startUpCluster, type UpCluster } from "./up-cluster.ts";

/**
 * The article's app goes over from the HPA to KEDA as examples/article/README.md says, is scaled on the requests that the mesh
 * counts, and is released under load.
 */

const NAMESPACE = "canary-system";
const APP = "canary-app";
const PRIMARY = "canary-app-primary";
const ARTICLE = join("examples", "article");
/** Three pods at the example's 50 each. */
const REQUESTS_PER_SECOND = 125;
const DEADLINE_MS = 120_000;

let cluster: UpCluster;
let client: KubeClient;
let load: Load | undefined;
beforeAll(async () => {
  cluster = await startUpCluster("--min-interval", "1s", "--scrape-interval", "1s");
  client = createKubeClient(await loadKubeconfig(cluster.kubeconfig));
});
afterAll(async () => {
  await load?.stop();
  await client?.close();
  await cluster?.close();
});

test("examples/article: from the HPA to KEDA, scaled on the mesh's requests, and released under load without an error", async () => {
  const options = demoOptions();
  const article = withDemoTimes(readManifests(ARTICLE), options);
  await applyObjects(client, article);
  await until("the Canary to be initialized", async () => (await phase()) === "Initialized");
  await until("the primary's HPA", async () => (await hpa("canary-app-hpa-primary")) !== undefined);

  await client.delete(resources.horizontalPodAutoscalers, { namespace: NAMESPACE, name: "canary-app-hpa" });
  await applyObjects(client, withDemoTimes(readManifests(join(ARTICLE, "keda")), options));
  await until("the twin to be ready", async () => {
    const twin = await scaledObject(PRIMARY);
    const { conditions = [] } = (twin?.status ?? {}) as { conditions?: Parameters<typeof isConditionTrue>[0] };
    return isConditionTrue(conditions, "Ready");
  });
  expect(await hpa("canary-app-hpa-primary")).toBeUndefined();
  expect(JSON.stringify((await scaledObject(PRIMARY))?.spec)).toContain(
    'destination_workload=\\"canary-app-primary\\"',
  );

  load = startLoad({
    host: "canary.example.com",
    address: "127.0.0.1",
    port: cluster.gatewayPort,
    rateAt: () => REQUESTS_PER_SECOND,
    lateAfterMs: 500,
  });
  await until("three pods for 125 requests/s", async () => (await readyCount(PRIMARY)) === 3);
  expect((await hpa(`keda-hpa-${PRIMARY}`))?.spec.metrics?.[0]).toMatchObject({
    type: "External",
    external: { target: { type: "AverageValue", averageValue: "50" } },
  });

  await client.patch(resources.deployments, key(APP), { kind: "strategic", body: releasePatch(options) });
  let mostNeeded = 0;
  await until("the release to end", async () => {
    const { status } = await canary();
    mostNeeded = Math.max(mostNeeded, status?.capacity?.podsForAll ?? 0);
    return ["Succeeded", "Failed"].includes(status?.phase ?? "");
  });
  expect(await phase()).toBe("Succeeded");
  // What the autoscalers of both copies ask for together: 125 / 50.
  expect(mostNeeded).toBeGreaterThan(2);
  expect(mostNeeded).toBeLessThan(4);
  const counts = await load.stop();
  expect(counts.failed, counts.lastFailure).toBe(0);
  expect(counts.byVersion[NEW_VERSION]?.requests).toBeGreaterThan(0);
  expect(await readyCount(PRIMARY)).toBeGreaterThanOrEqual(3);

  await until("the target to rest without pods and without a floor", async () => {
    const { annotations = {} } = (await scaledObject(APP))?.metadata ?? {};
    return (await readyCount(APP)) === 0 && annotations["serin.dev/floor"] === undefined;
  });
});

function demoOptions(): DemoOptions {
  const options = parseDemoOptions({ method: "threshold" });
  if (!options.ok) throw new Error(options.error);
  return options.value;
}

function key(name: string): { readonly namespace: string; readonly name: string } {
  return { namespace: NAMESPACE, name };
}

function hpa(name: string): Promise<HorizontalPodAutoscaler | undefined> {
  return client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, key(name));
}

function scaledObject(name: string): Promise<KubeObject | undefined> {
  return client.get(resources.scaledObjects, key(name));
}

async function canary(): Promise<Canary> {
  const found = await client.get<Canary>(resources.canaries, key(APP));
  if (found === undefined) throw new Error("the Canary is gone");
  return found;
}

async function phase(): Promise<string> {
  return (await canary()).status?.phase ?? "";
}

async function readyCount(name: string): Promise<number> {
  return (await client.get<Deployment>(resources.deployments, key(name)))?.status?.readyReplicas ?? 0;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (Date.now() > endMs) {
      const [found, twin, own] = [await canary(), await scaledObject(PRIMARY), await scaledObject(APP)];
      const said = [found.status, twin?.status, own?.status, own?.metadata.annotations].map((it) => JSON.stringify(it));
      throw new Error(`waited ${DEADLINE_MS / 1000} s for ${what}\n${said.join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
