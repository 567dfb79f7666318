import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSerin } from "../e2e/serin-process.ts";
import { treeOf } from "./process-tree.ts";
import { aimed, type Figures, reported } from "./figures.ts";

const RUN_COUNT = 3;
const FIRST_POD_DEADLINE_MS = 60_000;

/**
 * Measures from the start of `serin up` on an empty data directory to `ready`, and to the first ready pod (the operator's),
 * and the resident memory of the whole process tree a few seconds later. Medians of three runs.
 */
export async function benchStart(): Promise<Figures> {
  const runs = [];
  for (let run = 0; run < RUN_COUNT; run++) runs.push(await oneStart());
  return {
    readyMs: aimed(median(runs.map((run) => run.readyMs)), "ms", { atMost: 5000 }),
    firstReadyPodMs: aimed(median(runs.map((run) => run.podMs)), "ms", { atMost: 8000 }),
    residentMemoryOfTree: reported(median(runs.map((run) => run.memoryBytes)) / 1024 / 1024, "MiB"),
    processes: reported(median(runs.map((run) => run.processCount)), "processes"),
  };
}

async function oneStart() {
  const directory = mkdtempSync(join(tmpdir(), "serin-bench-start-"));
  const startedMs = performance.now();
  const serin = startSerin(["up", "--data-dir", join(directory, "data"), "--gateway-port", "0", "--api-port", "0"]);
  try {
    await serin.waitForOutput("ready");
    const readyMs = performance.now() - startedMs;
    const kubeconfig = join(directory, "data", "kubeconfig");
    await waitForReadyPod(kubeconfig, startedMs + FIRST_POD_DEADLINE_MS);
    const podMs = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const tree = treeOf(serin.child.pid ?? 0);
    return { readyMs, podMs, memoryBytes: sum(tree.map(residentBytes)), processCount: tree.length };
  } finally {
    serin.child.kill("SIGTERM");
    await serin.ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

async function waitForReadyPod(kubeconfig: string, deadlineMs: number): Promise<void> {
  const { createKubeClient, loadKubeconfig } = await import("#kube");
  const { resources } = await import("#api");
  const client = createKubeClient(await loadKubeconfig(kubeconfig));
  try {
    while (performance.now() < deadlineMs) {
      const pods = await client.list(resources.pods);
      if (pods.items.some((pod) => isReady(pod.status))) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("no pod became ready within the deadline");
  } finally {
    await client.close();
  }
}

function isReady(status: unknown): boolean {
  const conditions =
    (status as { conditions?: readonly { type: string; status: string }[] } | undefined)?.conditions ?? [];
  return conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}

function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
  } catch {
    // Ended while it was looked at.
    return 0;
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
