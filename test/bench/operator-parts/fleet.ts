import { type Canary, type Deployment, flaggerCrds, istioCrds, type KubeObject, resources } from "#api";
import { seededRandom, silentLog } from "#base";
import { createInformer, type Informer, type KubeClient, sleep, systemClock } from "#kube";

/**
 * Many Canaries and what a cluster does around them: the Deployment controller marks what was asked for as running at
 * once. A share of the Canaries is always in a release; when one ends the next begins.
 */
export interface Fleet {
  /** Resolves when every Canary is Initialized. */
  untilInitialized(deadlineMs: number): Promise<void>;
  /** Keeps so many Canaries in a release until the signal aborts. */
  keepRolling(count: number, signal: AbortSignal): void;
  /** Releases that ended so far, and how. */
  ended(): Readonly<Record<"Succeeded" | "Failed", number>>;
  close(): void;
}

const NAMESPACE_COUNT = 50;
/** Requests in flight while the objects are made. */
const CONCURRENCY = 16;
const INTERVAL = "10s";
/** About what a release takes: seven ticks and the drain. */
export const RELEASE_MS = 85_000;

export async function createFleet(client: KubeClient, canaryCount: number): Promise<Fleet> {
  await installKinds(client);
  const stop = new AbortController();
  const common = { client, signal: stop.signal, clock: systemClock, random: seededRandom(1), log: silentLog };
  const deployments = createInformer<Deployment>({ ...common, resource: resources.deployments });
  playDeploymentController(deployments, client);
  const canaries = createInformer<Canary>({ ...common, resource: resources.canaries });
  await Promise.all([deployments.synced, canaries.synced]);
  await createObjects(client, canaryCount);
  const ended = { Succeeded: 0, Failed: 0 };
  return {
    async untilInitialized(deadlineMs) {
      const count = (): number => canaries.list().filter(({ status }) => status?.phase === "Initialized").length;
      while (count() < canaryCount) {
        if (Date.now() > deadlineMs) throw new Error(`only ${count()} of ${canaryCount} Canaries are Initialized`);
        await sleep(systemClock, 500, stop.signal);
      }
    },
    keepRolling(count, signal) {
      const rolling = new Set<string>();
      const names = Array.from({ length: canaryCount }, (_, index) => index);
      let revision = 1;
      const begin = (): void => {
        const index = names.shift();
        if (index === undefined || signal.aborted) return;
        names.push(index);
        rolling.add(keyOf(index));
        void release(client, index, ++revision);
      };
      canaries.onChange(({ object, old }) => {
        const key = `${object.metadata.namespace}/${object.metadata.name}`;
        const phase = object.status?.phase;
        if ((phase !== "Succeeded" && phase !== "Failed") || old?.status?.phase === phase || !rolling.delete(key))
          return;
        ended[phase]++;
        begin();
      });
      // Spread over the time that one takes, as releases of many teams are.
      for (let index = 0; index < count; index++) systemClock.after((index / count) * RELEASE_MS, begin);
    },
    ended: () => ended,
    close: () => stop.abort(),
  };
}

async function installKinds(client: KubeClient): Promise<void> {
  for (const crd of [...flaggerCrds(), ...istioCrds()]) await client.create(resources.customResourceDefinitions, crd);
  for (const resource of [resources.canaries, resources.virtualServices, resources.destinationRules]) {
    for (let attempt = 0; attempt < 100; attempt++) {
      const isServed = await client.list(resource, { limit: 1 }).then(
        () => true,
        () => false,
      );
      if (isServed) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function createObjects(client: KubeClient, canaryCount: number): Promise<void> {
  for (let index = 0; index < NAMESPACE_COUNT; index++) {
    const metadata = { name: namespaceOf(index) };
    await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata });
  }
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < canaryCount; index = next++) {
      await client.create(resources.deployments, deploymentOf(index, 1));
      await client.create(resources.canaries, canaryOf(index));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

function playDeploymentController(deployments: Informer<Deployment>, client: KubeClient): void {
  deployments.onChange(({ type, object }) => {
    if (type === "deleted" || object.status?.observedGeneration === object.metadata.generation) return;
    const count = object.spec.replicas ?? 1;
    const at = { lastUpdateTime: "2026-01-01T00:00:00Z", lastTransitionTime: "2026-01-01T00:00:00Z" };
    const status: Deployment["status"] = {
      observedGeneration: object.metadata.generation ?? 0,
      replicas: count,
      updatedReplicas: count,
      readyReplicas: count,
      availableReplicas: count,
      conditions: [
        { type: "Available", status: "True", reason: "MinimumReplicasAvailable", ...at },
        { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", ...at },
      ],
    };
    // A conflict means that a newer version is on its way here.
    client.update(resources.deployments, { ...object, status }, { subresource: "status" }).catch(() => undefined);
  });
}

async function release(client: KubeClient, index: number, revision: number): Promise<void> {
  const { image } = deploymentOf(index, revision).spec.template.spec.containers[0] ?? { image: "" };
  const body = { spec: { template: { spec: { containers: [{ name: "web", image }] } } } };
  const key = { namespace: namespaceOf(index), name: nameOf(index) };
  await client.patch(resources.deployments, key, { kind: "strategic", body });
}

function namespaceOf(index: number): string {
  return `team-${index % NAMESPACE_COUNT}`;
}

function nameOf(index: number): string {
  return `app-${index}`;
}

function keyOf(index: number): string {
  return `${namespaceOf(index)}/${nameOf(index)}`;
}

/** About what an app's Deployment weighs: probes, resources, a handful of variables. */
function deploymentOf(index: number, revision: number): Deployment {
  const labels = { app: nameOf(index), team: namespaceOf(index) };
  const probe = (path: string) => ({ httpGet: { path, port: 8080 }, periodSeconds: 5, timeoutSeconds: 2 });
  const env = Array.from({ length: 12 }, (_, at) => ({ name: `SETTING_${at}`, value: `value-of-setting-${at}` }));
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: nameOf(index), namespace: namespaceOf(index), labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: nameOf(index) } },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: "web",
              image: `registry.example.com/${nameOf(index)}:${revision}`,
              ports: [{ name: "http", containerPort: 8080 }],
              env,
              readinessProbe: probe("/ready"),
              livenessProbe: probe("/live"),
              resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "128Mi" } },
            },
          ],
        },
      },
    },
  };
}

function canaryOf(index: number): KubeObject & { readonly spec: Canary["spec"] } {
  return {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { name: nameOf(index), namespace: namespaceOf(index) },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: nameOf(index) },
      service: { port: 80, targetPort: 8080 },
      analysis: {
        interval: INTERVAL,
        threshold: 5,
        stepWeight: 10,
        maxWeight: 50,
        metrics: [
          { name: "request-success-rate", interval: "1m", thresholdRange: { min: 99 } },
          { name: "request-duration", interval: "1m", thresholdRange: { max: 500 } },
        ],
      },
    },
  };
}
