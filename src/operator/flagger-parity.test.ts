import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type CanaryStatus,
  type ConfigMap,
  type Deployment,
  type Event,
  flaggerCrds,
  istioCrds,
  type KubeObject,
  resources,
} from "#api";
import { startTestApiServer } from "#testing";
import { startLocalServer } from "./local-server.ts";
import { isDone, isPhase, openScene, type Scene } from "./rehearsal-scene.ts";
import { kedaKinds } from "./rehearsal-keda.ts";
import { canary, canaryWith, configured, deployment, settings } from "./rehearsal-objects.ts";

/** What a team that moves from Flagger relies on, seen from outside. Source: flagger-spec 6.1, 8.2, 9 and appendix A. */

let rehearsal: Scene;

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), { crds: [...flaggerCrds(), ...istioCrds(), ...kedaKinds()] });
});

afterAll(async () => {
  await rehearsal.close();
});

test("KEDA: the twin measures the primary, the target rests paused and wakes for a release (pinned 38, 56)", async () => {
  const source: KubeObject = {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "web-so" },
    spec: {
      scaleTargetRef: { name: "web" },
      minReplicaCount: 3,
      maxReplicaCount: 9,
      triggers: [{ type: "prometheus", metadata: { query: 'sum(rate(http{app="web"}[30s]))' } }],
    },
  };
  const autoscalerRef = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "web-so" } as const;
  const read = (name: string) => rehearsal.client.get<KubeObject>(resources.scaledObjects, { namespace: "keda", name });
  const pause = async () => (await read("web-so"))?.metadata.annotations?.["autoscaling.keda.sh/paused-replicas"];
  await rehearsal.withOperator("keda", [source, deployment, canaryWith({ autoscalerRef })], async () => {
    await rehearsal.until("keda", isDone("Initialized"));
    expect((await read("web-so-primary"))?.spec).toMatchObject({
      scaleTargetRef: { name: "web-primary" },
      triggers: [{ metadata: { query: 'sum(rate(http{app="web-primary"}[30s]))' } }],
    });
    expect(await pause()).toBe("0");
    await rehearsal.release("keda", "podinfo:2");
    await rehearsal.until("keda", isPhase("Progressing"));
    await expect.poll(pause, { timeout: 5000 }).toBeUndefined();
    expect((await rehearsal.deployment("keda", "web"))?.spec.replicas).toBe(3);
    await rehearsal.until("keda", isDone("Succeeded"));
    expect(await pause()).toBe("0");
    expect((await rehearsal.deployment("keda", "web"))?.spec.replicas).toBe(0);
  });
});

test("events are Flagger's: reason Synced, component flagger; post-rollout hooks end with the first that fails", async () => {
  const hook = await startLocalServer((response, { url }) =>
    response.writeHead(url === "/second" ? 403 : 200).end(url === "/second" ? "no" : ""),
  );
  const webhooks = ["first", "second", "third"].map((name) => ({
    name,
    type: "post-rollout" as const,
    url: `${hook.url}/${name}`,
  }));
  await rehearsal.withOperator("hooks", [deployment, canaryWith({}, { webhooks })], async () => {
    await rehearsal.until("hooks", isDone("Initialized"));
    await rehearsal.release("hooks", "podinfo:2");
    await rehearsal.until("hooks", isDone("Succeeded"));
  });
  await hook.close();
  expect(hook.requests.map(({ url, body }) => [url, JSON.parse(body).phase])).toEqual([
    ["/first", "Succeeded"],
    ["/second", "Succeeded"],
  ]);
  const { items } = await rehearsal.client.list<Event>(resources.events, { namespace: "hooks" });
  const messages = items.map(({ message }) => message);
  expect(messages).toContain("Post-rollout check first passed");
  expect(messages).toContain("Post-rollout hook second failed no");
  for (const { reason, source, involvedObject } of items) {
    expect([reason, source?.component]).toEqual(["Synced", "flagger"]);
    expect(involvedObject).toMatchObject({ kind: "Canary", name: "web", namespace: "hooks" });
  }
});

test("without config tracking nothing is copied and no name changes (pinned 27)", async () => {
  await rehearsal.withOperator("untracked", [settings, configured, canary], {
    settings: { tracksConfigs: false },
    body: async () => {
      const done = await rehearsal.until("untracked", isDone("Initialized"));
      expect(done.status?.trackedConfigs).toBeUndefined();
      const primary = await rehearsal.deployment("untracked", "web-primary");
      expect(primary?.spec.template.spec.containers[0]?.envFrom).toEqual([{ configMapRef: { name: "web-settings" } }]);
      const key = { namespace: "untracked", name: "web-settings-primary" };
      expect(await rehearsal.client.get<ConfigMap>(resources.configMaps, key)).toBeUndefined();
    },
  });
});

/** The primary as Flagger makes it. */
const flaggersPrimary: Deployment = {
  ...deployment,
  metadata: { name: "web-primary", labels: { app: "web-primary" } },
  spec: {
    ...deployment.spec,
    selector: { matchLabels: { app: "web-primary" } },
    template: {
      ...deployment.spec.template,
      metadata: {
        labels: { app: "web-primary" },
        annotations: { "flagger-id": "0c5a1c86-5a5e-4a56-9f6a-5f2d6f3f0f11" },
      },
    },
  },
};

/** A Canary as Flagger left it, before an operator comes. */
async function leftByFlagger(namespace: string, status: CanaryStatus, target: Deployment = deployment): Promise<void> {
  await rehearsal.createNamespace(namespace, [target, flaggersPrimary, canary]);
  const created = await rehearsal.canary(namespace);
  await rehearsal.client.update(resources.canaries, { ...canary, ...created, status }, { subresource: "status" });
}

async function operated(namespace: string, body: () => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const operator = rehearsal.runOperator({ namespace, signal: stop.signal });
  try {
    await body();
  } finally {
    stop.abort();
    await operator;
  }
}

test("takeover: a Canary that Flagger left at rest gets our hash, and neither an analysis nor a new primary", async () => {
  const idle = { ...deployment, spec: { ...deployment.spec, replicas: 0 } };
  const status: CanaryStatus = {
    phase: "Succeeded",
    canaryWeight: 0,
    failedChecks: 0,
    iterations: 0,
    lastAppliedSpec: "5f6b7c8d4",
    lastPromotedSpec: "5f6b7c8d4",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  };
  await leftByFlagger("rest", status, idle);
  const before = await rehearsal.deployment("rest", "web-primary");
  await operated("rest", async () => {
    const taken = await rehearsal.until("rest", ({ status: now }) => now?.lastAppliedSpec?.startsWith("s") === true);
    expect(taken.status).toMatchObject({ phase: "Succeeded", lastTransitionTime: status.lastTransitionTime });
    expect(taken.status?.lastPromotedSpec).toBe(taken.status?.lastAppliedSpec);
    await expect.poll(() => rehearsal.weights("rest"), { timeout: 5000 }).toEqual([100, 0]);
    const primary = await rehearsal.deployment("rest", "web-primary");
    expect(primary?.metadata.generation).toBe(before?.metadata.generation);
    expect(primary?.spec.template.metadata?.annotations).toEqual(
      flaggersPrimary.spec.template.metadata?.annotations ?? {},
    );
    await rehearsal.release("rest", "podinfo:2");
    await rehearsal.until("rest", isPhase("Progressing"));
  });
  expect((await rehearsal.events("rest"))[0]).toBe("New revision detected! Scaling up web.rest");
});

test("takeover: a release that Flagger began goes on at its weight, without another analysis", async () => {
  const changed: Deployment = {
    ...deployment,
    spec: {
      ...deployment.spec,
      template: { ...deployment.spec.template, spec: { containers: [{ name: "web", image: "podinfo:2" }] } },
    },
  };
  const status: CanaryStatus = {
    phase: "Progressing",
    canaryWeight: 50,
    failedChecks: 0,
    iterations: 0,
    lastAppliedSpec: "9bcdf4567",
    lastPromotedSpec: "5f6b7c8d4",
    lastTransitionTime: "2026-01-01T00:05:00Z",
  };
  await leftByFlagger("midway", status, changed);
  await operated("midway", async () => {
    await rehearsal.until("midway", isDone("Succeeded"));
    const primary = await rehearsal.deployment("midway", "web-primary");
    expect(primary?.spec.template.spec.containers[0]?.image).toBe("podinfo:2");
  });
  const events = await rehearsal.events("midway");
  expect(events.filter((message) => !message.includes("not ready"))).toEqual([
    "Copying web.midway template spec to web-primary.midway",
    "Routing all traffic to primary",
    "Promotion completed! Scaling down web.midway",
  ]);
});
