import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Deployment, resources } from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { type Load, startLoad } from "../../src/cli/demo/load.ts";
import { canaryWeight } from "../../src/cli/demo/snapshot.ts";
import { treeOf } from "../bench/process-tree.ts";
import { APP, fastApp, HOST, NAMESPACE, NEW_IMAGE } from "./fast-app.ts";
import { processesNaming, type SerinProcess, startSerin } from "./serin-process.ts";

/**
 * kill -9 of the operator, of the proxy and of the whole tree, once at every step of a rollout: it ends as it would have.
 * A step is a pair of phase and weight that was not seen before.
 */

let directory = "";
let serin: SerinProcess;
let client: KubeClient;
let ports = { api: 0, gateway: 0 };

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "serin-e2e-kill-"));
  ports = { api: 0, gateway: 0 };
  await start();
});
afterEach(async () => {
  await client.close();
  serin.child.kill("SIGTERM");
  await serin.ended;
  const left = processesNaming(directory);
  rmSync(directory, { recursive: true, force: true });
  expect(left).toEqual([]);
});

async function start(): Promise<void> {
  const data = join(directory, "data");
  serin = startSerin([
    "up",
    "--data-dir",
    data,
    "--min-interval",
    "1s",
    "--scrape-interval",
    "1s",
    "--gateway-port",
    String(ports.gateway),
    "--api-port",
    String(ports.api),
  ]);
  await serin.waitForOutput("Ctrl-C stops it");
  const port = (pattern: RegExp): number => Number(pattern.exec(serin.stdout())?.[1]);
  ports = {
    api: port(/API server +https:\/\/127\.0\.0\.1:(\d+)/),
    gateway: port(/gateway +http:\/\/127\.0\.0\.1:(\d+)/),
  };
  client = createKubeClient(await loadKubeconfig(join(data, "kubeconfig")));
}

async function readStep(): Promise<{ phase: string; weight: number }> {
  const canary = await client.get(resources.canaries, { namespace: NAMESPACE, name: APP });
  const routes = await client.get(resources.virtualServices, { namespace: NAMESPACE, name: APP });
  const status = (canary?.status ?? {}) as { phase?: string };
  return { phase: status.phase ?? "", weight: canaryWeight(routes, `${APP}-canary`) ?? 0 };
}

async function waitForPhase(
  wanted: readonly string[],
  onStep: (step: { phase: string; weight: number }) => Promise<void>,
): Promise<string> {
  const deadlineMs = Date.now() + 180_000;
  const seen = new Set<string>();
  for (;;) {
    const step = await readStep();
    if (wanted.includes(step.phase)) return step.phase;
    const name = `${step.phase} ${step.weight}`;
    if (!seen.has(name)) {
      seen.add(name);
      await onStep(step);
    }
    if (Date.now() > deadlineMs) throw new Error(`stuck after ${[...seen].join(", ")}\n${serin.stderr().slice(-4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function killOperator(): Promise<void> {
  const pids = await vi.waitFor(() => {
    const found = processesNaming(join(directory, "data")).filter((line) => line.includes("operator.js"));
    expect(found).toHaveLength(1);
    return found.map((line) => Number(line.split(" ")[0]));
  }, 20_000);
  const pods = await client.list(resources.pods, { namespace: "serin-system" });
  for (const pid of pids) process.kill(pid, "SIGKILL");
  // The kubelet's back-off would make the test wait minutes by the sixth kill; a new pod starts at once.
  for (const { metadata } of pods.items) {
    await client.delete(
      resources.pods,
      { namespace: "serin-system", name: metadata.name ?? "" },
      { gracePeriodSeconds: 0 },
    );
  }
}

/** A proxy that was killed a moment ago is still recorded until the supervisor has started the next. */
async function killProxy(): Promise<void> {
  await vi.waitFor(() => {
    const recorded = JSON.parse(readFileSync(join(directory, "data", "node-proxy.pid"), "utf8")) as { pid: number };
    process.kill(recorded.pid, "SIGKILL");
  }, 20_000);
}

async function killTree(): Promise<void> {
  await client.close();
  for (const pid of treeOf(serin.child.pid ?? 0)) process.kill(pid, "SIGKILL");
  await serin.ended;
  await start();
}

async function release(env: readonly object[]): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: "web", image: NEW_IMAGE, env }] } } } };
  await client.patch(resources.deployments, { namespace: NAMESPACE, name: APP }, { kind: "strategic", body });
}

const victims = { operator: killOperator, "node proxy": killProxy, "whole tree": killTree };
const endings = [
  { title: "promotes", env: [], phase: "Succeeded", image: NEW_IMAGE },
  {
    title: "rolls back 50% errors",
    env: [{ name: "PODINFO_FAULT", value: "errors=50%" }],
    phase: "Failed",
    image: "ghcr.io/stefanprodan/podinfo:6.4.0",
  },
];

test.each(Object.entries(victims).flatMap(([victim, kill]) => endings.map((ending) => ({ victim, kill, ...ending }))))(
  "kill -9 of the $victim at every step: $title as it would have",
  async ({ kill, env, phase, image }) => {
    await applyObjects(client, fastApp());
    await waitForPhase(["Initialized"], async () => undefined);
    const load: Load = startLoad({
      host: HOST,
      address: "127.0.0.1",
      port: ports.gateway,
      rateAt: () => 50,
      lateAfterMs: 500,
    });
    try {
      await release(env);
      let killed = 0;
      const ended = await waitForPhase(["Succeeded", "Failed"], async (step) => {
        // The first step is the state before the release.
        if (step.phase === "Initialized") return;
        await kill();
        killed++;
      });
      expect(killed).toBeGreaterThanOrEqual(2);
      expect(ended).toBe(phase);
    } finally {
      await load.stop();
    }
    const primary = await client.get<Deployment>(resources.deployments, {
      namespace: NAMESPACE,
      name: `${APP}-primary`,
    });
    expect(primary?.spec.template.spec.containers[0]?.image).toBe(image);
    expect((await readStep()).weight).toBe(0);
  },
);
