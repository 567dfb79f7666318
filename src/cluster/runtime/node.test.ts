import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Event, type KubeObject, type Pod, type PodSpec, resources } from "#api";
import { silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig, systemClock } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import type { LogQuery } from "../node-api.ts";
import { type Node, startNode } from "./node.ts";

/** A server that is ready after a moment, ends cleanly on SIGTERM, and shows its variables. */
const WEB = `
import { createServer } from "node:http";
const server = createServer((request, response) => {
  if (request.url === "/env") return response.end(JSON.stringify(process.env));
  if (request.url === "/exit") process.exit(3);
  response.writeHead(request.url === "/ready" ? 200 : 404).end();
});
server.listen(8080, process.env.SERIN_POD_IP, () => console.log("listening"));
process.on("SIGTERM", () => { console.log("bye"); process.exit(0); });
`;

let root = "";
let api: TestApiServer;
let client: KubeClient;
let node: Node | undefined;
const namespace = "shop";

async function startOurNode(): Promise<Node> {
  // An address block by process id: other runs of the tests use other addresses, so that ports need not be free ones.
  const block = `127.${100 + (process.pid % 150)}.${(process.pid >> 4) % 250}`;
  return startNode({
    client,
    dataDirectory: join(root, "data"),
    podAddress: (index) => `${block}.${1 + (index % 254)}`,
    nodeAddress: `${block}.254`,
    apiServer: { host: "127.0.0.1", port: api.port },
    caPem: api.caPem,
    catalog: [
      { repository: "test/web", programs: { web: { script: "web.mjs" } }, entrypoint: [], command: ["./web"] },
      { repository: "test/shell", programs: {}, entrypoint: ["sh", "-c"], command: ["sleep 60"] },
    ],
    extraImages: {},
    distDirectory: root,
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
  });
}

beforeAll(async () => {
  api = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(api.kubeconfigPath));
  await client.create(resources.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await client.create(resources.serviceAccounts, account());
});
afterAll(async () => {
  await client.close();
  await api.close();
});

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "serin-node-"));
  writeFileSync(join(root, "web.mjs"), WEB);
  node = await startOurNode();
});
afterEach(async () => {
  await node?.close();
  const { items } = await client.list<Pod>(resources.pods, { namespace });
  for (const { metadata } of items)
    await client.delete(resources.pods, { namespace, name: metadata.name ?? "" }, { gracePeriodSeconds: 0 });
  rmSync(root, { recursive: true, force: true });
});

function account(): KubeObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
}

function createPod(name: string, spec: PodSpec): Promise<Pod> {
  return client.create<Pod>(resources.pods, { apiVersion: "v1", kind: "Pod", metadata: { name, namespace }, spec });
}

const web = (more: Partial<PodSpec["containers"][number]> = {}): PodSpec => ({
  containers: [{ name: "app", image: "test/web:1.2.3", ...more }],
});
const shell = (script: string, more: Partial<PodSpec> = {}): PodSpec => ({
  containers: [{ name: "app", image: "test/shell:1", args: [script] }],
  ...more,
});

/** Reads a pod until it is as wanted; fails with its last status. */
async function waitFor(name: string, isWanted: (pod: Pod) => boolean): Promise<Pod> {
  let pod: Pod | undefined;
  for (let round = 0; round < 400; round++) {
    pod = await client.get<Pod>(resources.pods, { namespace, name });
    if (pod !== undefined && isWanted(pod)) return pod;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`pod ${name} did not get there: ${JSON.stringify(pod?.status)}`);
}

async function waitUntilGone(name: string): Promise<void> {
  for (let round = 0; round < 400; round++) {
    if ((await client.get<Pod>(resources.pods, { namespace, name })) === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`pod ${name} is still there`);
}

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
const statusOf = (pod: Pod): NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number] | undefined =>
  pod.status?.containerStatuses?.[0];

async function readLogs(query: Partial<LogQuery>): Promise<string> {
  const chunks: Uint8Array[] = [];
  const whole = { namespace, pod: "web", follow: false, previous: false, timestamps: false, ...query };
  for await (const chunk of node?.api.logs(whole, new AbortController().signal) ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function eventsOf(name: string): Promise<string[]> {
  const { items } = await client.list<Event>(resources.events, { namespace });
  return items.filter((event) => event.involvedObject.name === name).map((event) => `${event.reason}`);
}

test("startNode: registers itself as ready", async () => {
  const object = await client.get(resources.nodes, { name: "serin" });
  expect(object?.status).toMatchObject({
    conditions: expect.arrayContaining([expect.objectContaining({ type: "Ready", status: "True" })]),
    capacity: { pods: "500" },
  });
});

test("startNode: a pod gets its node, address, variables, token and events, and is ready when its probe says so", async () => {
  const readinessProbe = { httpGet: { path: "/ready", port: 8080 } };
  const env = [
    { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "URL", value: "http://$(SERIN_POD_IP)/" },
  ];
  await createPod("web", web({ readinessProbe, env }));
  const pod = await waitFor("web", isReady);
  expect(pod.spec.nodeName).toBe("serin");
  const ip = pod.status?.podIP ?? "";
  const answer = await request(`http://${ip}:8080/env`);
  const variables = (await answer.body.json()) as Record<string, string>;
  expect(variables).toMatchObject({
    NAME: "web",
    URL: `http://${ip}/`,
    HOSTNAME: "web",
    SERIN_POD_IP: ip,
    SERIN_IMAGE_TAG: "1.2.3",
    http_proxy: `http://${ip}:15001`,
    no_proxy: "127.0.0.1,localhost",
    KUBERNETES_SERVICE_PORT: String(api.port),
  });
  expect(readdirSync(variables.SERIN_SERVICE_ACCOUNT_DIR ?? "").sort()).toEqual(["ca.crt", "namespace", "token"]);
  expect(await readLogs({})).toBe("listening\n");
  await expect
    .poll(() => eventsOf("web"))
    .toEqual(expect.arrayContaining(["Scheduled", "Pulled", "Created", "Started"]));
});

test("startNode: a container that dies is started again, its logs and last state kept", async () => {
  await createPod("web", shell('echo "run $(date +%N)"; sleep 0.2; exit 3'));
  const pod = await waitFor("web", (found) => statusOf(found)?.state?.waiting?.reason === "CrashLoopBackOff");
  expect(statusOf(pod)).toMatchObject({
    restartCount: 1,
    state: {
      waiting: { message: expect.stringMatching(/^back-off 10s restarting failed container=app pod=web_shop\(/) },
    },
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
  });
  const [current, previous] = [await readLogs({}), await readLogs({ previous: true })];
  expect(current).toMatch(/^run \d+\n$/);
  expect(previous).toMatch(/^run \d+\n$/);
  expect(current).not.toBe(previous);
});

test("startNode: deletion ends the process gracefully and removes the object and what was on disk", async () => {
  await createPod("web", web({ readinessProbe: { httpGet: { path: "/ready", port: 8080 } } }));
  await waitFor("web", isReady);
  const following = readLogs({ follow: true });
  await client.delete(resources.pods, { namespace, name: "web" });
  await waitUntilGone("web");
  expect(await following).toBe("listening\nbye\n");
  await expect.poll(() => readdirSync(join(root, "data", "pods"))).toEqual([]);
  await expect.poll(() => readdirSync(join(root, "data", "logs"))).toEqual([]);
});

test("startNode: a forced deletion, and a process that ignores SIGTERM", async () => {
  await createPod("forced", shell("sleep 60"));
  await createPod("deaf", shell('trap "" TERM; while :; do sleep 0.1; done', { terminationGracePeriodSeconds: 1 }));
  await waitFor("forced", isReady);
  await waitFor("deaf", isReady);
  await client.delete(resources.pods, { namespace, name: "forced" }, { gracePeriodSeconds: 0 });
  await client.delete(resources.pods, { namespace, name: "deaf" });
  await waitUntilGone("forced");
  await waitUntilGone("deaf");
  await expect.poll(() => readdirSync(join(root, "data", "pods"))).toEqual([]);
});

test("startNode: init containers, then a pod that runs to its end", async () => {
  const initContainers = [{ name: "init", image: "test/shell:1", args: ["sleep 0.1"] }];
  await createPod("job", shell("echo done", { initContainers, restartPolicy: "Never" }));
  const pod = await waitFor("job", (found) => found.status?.phase === "Succeeded");
  expect(pod.status?.initContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  expect(await readLogs({ pod: "job" })).toBe("done\n");
});

test("startNode: what keeps a container from starting is its waiting reason, and goes when the cause goes", async () => {
  await createPod("unknown", { containers: [{ name: "app", image: "nginx:1" }] });
  await createPod("missing", web({ envFrom: [{ configMapRef: { name: "later" } }] }));
  const unknown = await waitFor("unknown", (pod) => statusOf(pod)?.state?.waiting?.reason === "ErrImagePull");
  expect(statusOf(unknown)?.state?.waiting?.message).toContain("--image 'nginx=COMMAND'");
  await waitFor("unknown", (pod) => statusOf(pod)?.state?.waiting?.reason === "ImagePullBackOff");
  const missing = await waitFor(
    "missing",
    (pod) => statusOf(pod)?.state?.waiting?.reason === "CreateContainerConfigError",
  );
  expect(statusOf(missing)?.state?.waiting?.message).toBe('configmap "later" not found');
  await expect(readLogs({ pod: "missing" })).rejects.toMatchObject({ code: "ContainerCreating" });
  await expect(readLogs({ pod: "nobody" })).rejects.toMatchObject({ code: "NotFound" });
  await client.create(resources.configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "later", namespace },
    data: { A: "1" },
  });
  await waitFor("missing", isReady);
});

test("startNode: a node that starts again goes on with its pods, at the same addresses", async () => {
  await createPod("web", web({ readinessProbe: { httpGet: { path: "/ready", port: 8080 } } }));
  const before = await waitFor("web", isReady);
  await node?.close();
  await expect(request(`http://${before.status?.podIP}:8080/ready`)).rejects.toThrow("ECONNREFUSED");
  node = await startOurNode();
  const after = await waitFor("web", (pod) => statusOf(pod)?.restartCount === 1 && isReady(pod));
  expect(after.status?.podIP).toBe(before.status?.podIP);
  expect(statusOf(after)?.lastState?.terminated?.exitCode).toBe(137);
});

test("startNode: measures what pods use", async () => {
  await createPod("busy", shell("while :; do :; done"));
  await waitFor("busy", isReady);
  await expect.poll(() => node?.api.usage()[0]?.containers[0]?.cpuCores ?? 0, { timeout: 5000 }).toBeGreaterThan(0.05);
  expect(node?.api.usage()[0]).toMatchObject({ namespace, pod: "busy", containers: [{ name: "app" }] });
});

test("startNode: reports what happened while the API server was away", async () => {
  await createPod("early", web());
  await waitFor("early", isReady);
  const early = await client.get<Pod>(resources.pods, { namespace, name: "early" });
  await api.restart();
  await request(`http://${early?.status?.podIP}:8080/exit`).catch(() => undefined);
  const again = await waitFor("early", (pod) => statusOf(pod)?.restartCount === 1 && isReady(pod));
  expect(statusOf(again)?.lastState?.terminated?.exitCode).toBe(3);
});

test("startNode: a pod that asks for another node stays pending and says so", async () => {
  await createPod("picky", { ...web(), nodeSelector: { disk: "ssd" } });
  const pod = await waitFor("picky", (found) => (found.status?.conditions ?? []).length > 0);
  expect(pod.status).toMatchObject({
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }],
  });
  expect(pod.spec.nodeName).toBeUndefined();
});

test("startNode: hooks run in the container's place, and several containers share the pod's address", async () => {
  const touch = (name: string) => ({ exec: { command: ["sh", "-c", `echo $HOSTNAME > ${join(root, name)}`] } });
  const lifecycle = { postStart: touch("started"), preStop: touch("stopped") };
  const side = { name: "side", image: "test/shell:1", args: ["echo $SERIN_POD_IP; sleep 60"] };
  await createPod("two", { containers: [...web({ lifecycle }).containers, side] });
  const pod = await waitFor("two", isReady);
  expect(readFileSync(join(root, "started"), "utf8")).toBe("two\n");
  await expect(readLogs({ pod: "two" })).rejects.toThrow("it has more than one container, name one of: app, side");
  await expect.poll(() => readLogs({ pod: "two", container: "side" })).toBe(`${pod.status?.podIP}\n`);
  await client.delete(resources.pods, { namespace, name: "two" });
  await waitUntilGone("two");
  expect(readFileSync(join(root, "stopped"), "utf8")).toBe("two\n");
});
