import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findKubectl, type Kubectl, kubectlFor } from "./kubectl.ts";
import { startUpCluster, type UpCluster } from "./up-cluster.ts";

/**
 * A person's session with an unmodified kubectl on `serin up`, from the first apply to the last delete. The tests are steps of it and
 * run in order.
 */

const found = findKubectl();
const isMissing = "missing" in found;
if ("missing" in found) console.warn(`kubectl tests are skipped: ${found.missing}`);

const NAMESPACE = "canary-system";
const HOST = "canary.example.com";
const MANIFESTS = join(process.cwd(), "examples", "article");
const NEW_IMAGE = "ghcr.io/stefanprodan/podinfo:6.4.1";

describe.skipIf(isMissing)("kubectl on serin up", { concurrent: false }, () => {
  let cluster: UpCluster;
  let kubectl: Kubectl;

  beforeAll(async () => {
    cluster = await startUpCluster();
    const path = "path" in found ? found.path : "";
    kubectl = kubectlFor(path, { kubeconfig: cluster.kubeconfig, cache: join(cluster.directory, "cache") });
  });
  afterAll(() => cluster?.close());

  /** Calls kubectl and returns what it printed; a failure shows what it said. */
  async function succeed(args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await kubectl(args, { timeoutMs: 170_000 });
    if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}\n${stderr}`);
    return stdout;
  }

  const run = (...args: readonly string[]): Promise<string> => succeed(["-n", NAMESPACE, ...args]);

  test("apply -f examples/article creates every object, and again changes none", async () => {
    const created = await succeed(["apply", "-f", MANIFESTS]);
    for (const line of [
      "namespace/canary-system created",
      "canary.flagger.app/canary-app created",
      "deployment.apps/canary-app created",
      "service/canary-app created",
      "horizontalpodautoscaler.autoscaling/canary-app-hpa created",
      "gateway.networking.istio.io/canary-gateway created",
      "destinationrule.networking.istio.io/canary-app-dr created",
      "metrictemplate.flagger.app/not-found-share created",
      "deployment.apps/flagger-loadtester created",
    ]) {
      expect(created).toContain(line);
    }
    const unchanged = await run(
      "apply",
      "-f",
      join(MANIFESTS, "istio-gateway.yaml"),
      "-f",
      join(MANIFESTS, "metric-template.yaml"),
    );
    expect(
      unchanged
        .trim()
        .split("\n")
        .every((line) => line.endsWith("unchanged")),
    ).toBe(true);
  });

  test("wait sees the canary initialized", async () => {
    const waited = await run("wait", "canary/canary-app", "--for=condition=Promoted", "--timeout=150s");
    expect(waited).toContain("condition met");
  });

  test("get canaries -A shows phase and weight", async () => {
    const [header, row] = (await run("get", "canaries", "-A")).split("\n");
    expect(header).toMatch(/^NAMESPACE\s+NAME\s+STATUS\s+WEIGHT/);
    expect(row).toMatch(/^canary-system\s+canary-app\s+Initialized\s+0\s/);
  });

  test("rollout status says that the primary is rolled out", async () => {
    expect(await run("rollout", "status", "deployment/canary-app-primary", "--timeout=60s")).toContain(
      'deployment "canary-app-primary" successfully rolled out',
    );
  });

  test("get pods -o wide shows addresses and the node", async () => {
    const [header, ...rows] = (await run("get", "pods", "-o", "wide", "-l", "app=canary-app-primary"))
      .trim()
      .split("\n");
    expect(header).toMatch(/^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES/);
    expect(rows).toHaveLength(2);
    for (const row of rows)
      expect(row).toMatch(/^canary-app-primary-\S+\s+1\/1\s+Running\s+0\s+\S+\s+127\.\d+\.\d+\.\d+\s+\S+/);
  });

  test("logs prints what a pod wrote", async () => {
    const all = await run("logs", "deployment/canary-app-primary", "-c", "canary-app");
    expect(all).toContain("podinfo");
    const last = await run("logs", "deployment/canary-app-primary", "--tail=1");
    expect(last.trimEnd().split("\n")).toHaveLength(1);
  });

  test("the gateway answers from a pod of the old version", async () => {
    const answer = await cluster.throughGateway(HOST, "/version");
    expect(answer).toMatchObject({ status: 200 });
    expect(JSON.parse(answer.body)).toMatchObject({ version: "6.4.0" });
    expect(await cluster.throughGateway("nobody.example.com", "/version")).toMatchObject({ status: 404 });
  });

  test("describe canary shows spec, status and events", async () => {
    const described = await run("describe", "canary", "canary-app");
    expect(described).toMatch(/^Name:\s+canary-app$/m);
    expect(described).toMatch(/^Kind:\s+Canary$/m);
    expect(described).toMatch(/Phase:\s+Initialized/);
    expect(described).toContain("Initialization done! canary-app.canary-system");
  });

  test("set image starts a release", async () => {
    expect(await run("set", "image", "deployment/canary-app", `canary-app=${NEW_IMAGE}`)).toContain("image updated");
    await run("wait", "canary/canary-app", "--for=condition=Promoted=Unknown", "--timeout=60s");
    expect(await run("get", "canary", "canary-app", "-o", "jsonpath={.status.phase}")).toBe("Progressing");
    const image = "jsonpath={.spec.template.spec.containers[0].image}";
    expect(await run("get", "deployment", "canary-app", "-o", image)).toBe(NEW_IMAGE);
  });

  test("events tell of the release", async () => {
    const events = await run("get", "events", "--field-selector", "involvedObject.kind=Canary");
    expect(events).toMatch(/^LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/);
    expect(events).toMatch(/canary\/canary-app\s+New revision detected! /);
  });

  test("delete -f examples/article leaves nothing", async () => {
    const deleted = await succeed(["delete", "-f", MANIFESTS, "--timeout=120s"]);
    expect(deleted).toContain('namespace "canary-system" deleted');
    const canaries = await kubectl(["get", "canaries", "-A"]);
    expect(`${canaries.stdout}${canaries.stderr}`).toContain("No resources found");
    const namespace = await kubectl(["get", "namespace", NAMESPACE]);
    expect(namespace).toMatchObject({ status: 1, stderr: expect.stringContaining("(NotFound)") });
  });
});
