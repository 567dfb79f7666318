import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Canary,
  type DaemonSet,
  type Deployment,
  type Event,
  flaggerCrds,
  istioCrds,
  type KubeObject,
  resources,
  type VirtualService,
} from "#api";
import { type Clock, type Log, seededRandom, silentLog } from "#base";
import { createInformer, createKubeClient, type KubeClient, loadKubeconfig, systemClock } from "#kube";
import { type OperateSettings, operate } from "./operate.ts";
import type { OperatorSettings } from "./operator-context.ts";
import { waitForKinds } from "./required-kinds.ts";
import { createRolloutMetrics, type RolloutMetrics, type Tracer } from "./telemetry/index.ts";

/**
 * What a cluster does around the operator, for tests: the Deployment controller and kubelet, and a Prometheus. The API
 * server is the real one.
 */
export interface Rehearsal {
  readonly client: KubeClient;
  readonly prometheus: {
    readonly url: string;
    readonly queries: string[];
    answer: (query: string) => PrometheusAnswer;
  };
  /** Decides how many of a Deployment's pods are available; all by default. */
  availability: (deployment: Deployment) => number;
  /** Runs an operator for a namespace; the promise resolves when it has stopped. */
  runOperator(options: {
    readonly namespace: string;
    readonly signal: AbortSignal;
    readonly client?: KubeClient;
    readonly log?: Log;
    readonly metrics?: RolloutMetrics;
    readonly tracer?: Tracer;
    readonly env?: Readonly<Record<string, string>>;
    readonly settings?: Partial<OperateSettings>;
  }): Promise<void>;
  /** Creates a namespace with objects, and runs an operator for it while the body runs. */
  withOperator(
    namespace: string,
    objects: readonly KubeObject[],
    run: (() => Promise<void>) | { readonly settings: Partial<OperateSettings>; readonly body: () => Promise<void> },
  ): Promise<void>;
  createNamespace(name: string, objects: readonly KubeObject[]): Promise<void>;
  createObjects(namespace: string, objects: readonly KubeObject[]): Promise<void>;
  canary(namespace: string): Promise<Canary | undefined>;
  /** Resolves after a time of the operator's clock. */
  pass(timeMs: number): Promise<void>;
  /**
   * Resolves when the Canary is as wanted; rejects after a while, naming its status. An operator that dies has several lives
   * for what one would do, and each begins with all its lists.
   */
  until(namespace: string, test: (canary: Canary) => boolean, lifeCount?: number): Promise<Canary>;
  deployment(namespace: string, name: string): Promise<Deployment | undefined>;
  daemonSet(namespace: string, name: string): Promise<DaemonSet | undefined>;
  weights(namespace: string): Promise<readonly (number | undefined)[]>;
  events(namespace: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A number, no sample, a query error, or a server that is down. */
export type PrometheusAnswer = number | "empty" | "bad-query" | "down";

/** With which operators run in tests; they are told where the Prometheus is. */
export const operatorSettings: OperatorSettings = {
  selectorLabels: ["app"],
  labelPrefixes: [],
  tracksConfigs: true,
  meshProvider: "istio",
  metricsServer: "",
  minIntervalMs: 1000,
  ingressAnnotationsPrefix: "nginx.ingress.kubernetes.io",
  forbidsForeignNamespaces: false,
};

/** Tests have no time for intervals of whole seconds, which are the shortest that the schema takes. */
const SPEED = 20;
/** Below the time limit of a test, which would not say what was waited for. */
const PATIENCE_MS = 25_000;
const POLL_MS = 20;

/** Starts it against an API server. */
export async function startRehearsal(
  server: { readonly kubeconfigPath: string },
  options: { readonly crds: readonly KubeObject[] } = { crds: [...flaggerCrds(), ...istioCrds()] },
): Promise<Rehearsal> {
  const client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const clock = fastClock();
  const stop = new AbortController();
  for (const crd of options.crds) await client.create(resources.customResourceDefinitions, crd);
  await untilServed(client);
  const prometheus = await startPrometheus();
  const rehearsal: Rehearsal = {
    client,
    prometheus,
    availability: (deployment) => deployment.spec.replicas ?? 1,
    runOperator: ({ namespace, signal, client: own, log, metrics, tracer, env, settings }) =>
      operate(
        {
          namespace,
          eventWebhook: "",
          workerCount: 4,
          clusterName: "",
          globalAlerts: {
            slack: { url: "", token: "", proxy: "", user: "", channel: "" },
            msteams: { url: "", proxy: "" },
          },
          ...operatorSettings,
          metricsServer: prometheus.url,
          ...settings,
        },
        {
          client: own ?? client,
          metrics: metrics ?? createRolloutMetrics({ version: "0", meshProvider: "istio" }),
          env: env ?? {},
          ...(tracer === undefined ? {} : { tracer }),
          clock,
          random: seededRandom(1),
          log: log ?? silentLog,
          signal,
        },
      ),
    async withOperator(namespace, objects, run) {
      const { settings, body } = typeof run === "function" ? { settings: {}, body: run } : run;
      await rehearsal.createNamespace(namespace, objects);
      const end = new AbortController();
      const operator = rehearsal.runOperator({ namespace, signal: end.signal, settings });
      try {
        await body();
      } finally {
        end.abort();
        await operator;
      }
    },
    async createNamespace(name, objects) {
      await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
      await rehearsal.createObjects(name, objects);
    },
    async createObjects(namespace, objects) {
      for (const object of objects) await client.create(resourceOf(object), inNamespace(object, namespace));
    },
    canary: (namespace) => client.get<Canary>(resources.canaries, { namespace, name: "web" }),
    pass: (timeMs) => new Promise((resolve) => void clock.after(timeMs, resolve)),
    until: (namespace, test, lifeCount = 1) =>
      waitFor(rehearsal, { namespace, test, patienceMs: lifeCount * PATIENCE_MS }),
    deployment: (namespace, name) => client.get<Deployment>(resources.deployments, { namespace, name }),
    daemonSet: (namespace, name) => client.get<DaemonSet>(resources.daemonSets, { namespace, name }),
    async weights(namespace) {
      const route = await client.get<VirtualService>(resources.virtualServices, { namespace, name: "web" });
      return route?.spec.http?.[0]?.route?.map((to) => to.weight) ?? [];
    },
    async events(namespace) {
      const list = await client.list<Event>(resources.events, { namespace });
      return list.items
        .toSorted((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
        .map((event) => event.message ?? "");
    },
    async close() {
      stop.abort();
      await prometheus.close();
      await client.close();
    },
  };
  await playDeploymentController(rehearsal, stop.signal);
  await playDaemonSetController(client, stop.signal);
  return rehearsal;
}

/** A CRD is served some time after it was created. */
async function untilServed(client: KubeClient): Promise<void> {
  const stop = new AbortController();
  const timer = systemClock.after(PATIENCE_MS, () => stop.abort());
  await waitForKinds({ client, clock: systemClock, log: silentLog, signal: stop.signal });
  timer();
}

/** A clock on which everything takes a twentieth of its time. */
function fastClock(): Clock {
  const startMs = systemClock.nowMs();
  return {
    nowMs: () => startMs + (systemClock.nowMs() - startMs) * SPEED,
    after: (delayMs, callback) => systemClock.after(delayMs / SPEED, callback),
  };
}

async function waitFor(
  rehearsal: Rehearsal,
  of: { readonly namespace: string; readonly test: (canary: Canary) => boolean; readonly patienceMs: number },
): Promise<Canary> {
  const { namespace, test, patienceMs } = of;
  const endMs = systemClock.nowMs() + patienceMs;
  for (;;) {
    const canary = await rehearsal.canary(namespace);
    if (canary !== undefined && test(canary)) return canary;
    if (systemClock.nowMs() > endMs) {
      const events = await rehearsal.events(namespace);
      throw new Error(`still ${JSON.stringify(canary?.status)}; events: ${events.join(" | ")}`);
    }
    await new Promise((resolve) => systemClock.after(POLL_MS, () => resolve(undefined)));
  }
}

/** Writes the status of every Deployment that changes, as the controller would once its pods have started. */
async function playDeploymentController(rehearsal: Rehearsal, signal: AbortSignal): Promise<void> {
  const { client } = rehearsal;
  const deployments = createInformer<Deployment>({
    client,
    resource: resources.deployments,
    signal,
    clock: systemClock,
    random: seededRandom(2),
    log: silentLog,
  });
  deployments.onChange(({ type, object }) => {
    if (type === "deleted" || object.status?.observedGeneration === object.metadata.generation) return;
    const status = statusOf(object, rehearsal.availability(object));
    // A conflict means that a newer version is on its way to this handler.
    client.update(resources.deployments, { ...object, status }, { subresource: "status" }).catch(() => undefined);
  });
  await deployments.synced;
}

/** Three nodes; a DaemonSet that asks for a label of its nodes finds none. */
const NODE_COUNT = 3;

async function playDaemonSetController(client: KubeClient, signal: AbortSignal): Promise<void> {
  const ports = { signal, clock: systemClock, random: seededRandom(3), log: silentLog };
  const daemonSets = createInformer<DaemonSet>({ client, resource: resources.daemonSets, ...ports });
  daemonSets.onChange(({ type, object }) => {
    if (type === "deleted" || object.status?.observedGeneration === object.metadata.generation) return;
    const isHeld = Object.keys(object.spec.template.spec.nodeSelector ?? {}).length > 0;
    const count = isHeld ? 0 : NODE_COUNT;
    const status = {
      observedGeneration: object.metadata.generation ?? 0,
      currentNumberScheduled: count,
      desiredNumberScheduled: count,
      numberMisscheduled: 0,
      numberReady: count,
      updatedNumberScheduled: count,
      numberAvailable: count,
    };
    client.update(resources.daemonSets, { ...object, status }, { subresource: "status" }).catch(() => undefined);
  });
  await daemonSets.synced;
}

function statusOf(deployment: Deployment, availableCount: number): NonNullable<Deployment["status"]> {
  const wanted = deployment.spec.replicas ?? 1;
  const isAvailable = availableCount >= wanted;
  const at = { lastUpdateTime: "2026-01-01T00:00:00Z", lastTransitionTime: "2026-01-01T00:00:00Z" };
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: wanted,
    updatedReplicas: wanted,
    readyReplicas: availableCount,
    availableReplicas: availableCount,
    conditions: [
      {
        type: "Available",
        status: isAvailable ? "True" : "False",
        reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
        ...at,
      },
      {
        type: "Progressing",
        status: isAvailable ? "True" : "False",
        reason: isAvailable ? "NewReplicaSetAvailable" : "ProgressDeadlineExceeded",
        ...at,
      },
    ],
  };
}

async function startPrometheus(): Promise<Rehearsal["prometheus"] & { close(): Promise<void> }> {
  const queries: string[] = [];
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? "/", "http://localhost").searchParams.get("query") ?? "";
    queries.push(query);
    const answer = query === "vector(1)" ? 1 : state.answer(query);
    if (answer === "down") return void response.writeHead(503).end("down");
    if (answer === "bad-query")
      return void response.writeHead(400).end(JSON.stringify({ status: "error", error: "parse error at char 3" }));
    const result = answer === "empty" ? [] : [{ metric: {}, value: [0, String(answer)] }];
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const state = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    queries,
    answer: (query: string): PrometheusAnswer => (query.includes("histogram_quantile") ? 12 : 100),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return state;
}

function resourceOf(object: KubeObject): (typeof resources)[keyof typeof resources] {
  const found = Object.values(resources).find((resource) => resource.kind === object.kind);
  if (found === undefined) throw new Error(`no resource of kind ${object.kind}`);
  return found;
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, namespace } };
}
