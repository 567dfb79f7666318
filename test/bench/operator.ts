import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKubeClient, loadKubeconfig } from "#kube";
import { aimed, type Figures, reported } from "./figures.ts";
import { startBuilt } from "./operator-parts/built-process.ts";
import { createFleet, RELEASE_MS } from "./operator-parts/fleet.ts";
import { startMeshMetrics } from "./operator-parts/mesh-metrics.ts";
import { quantileBound, scrape, total } from "./operator-parts/scrape.ts";

const OPERATOR_PORT = 18_080;
/** As in deploy/Dockerfile. */
const NODE_OPTIONS = ["--enable-source-maps", "--max-old-space-size=320"];
const ROLLING_SHARE = 0.05;
const WARM_UP_MS = RELEASE_MS + 15_000;
const WINDOW_MS = RELEASE_MS;
const INITIALIZE_DEADLINE_MS = 600_000;
/** Requests of a whole 10→50% Istio rollout without configs. Source: flagger-spec 10.1. */
const FLAGGER_REQUESTS_PER_ROLLOUT = 162;

/**
 * Measures one operator process with 1,000 and 5,000 Canaries at an interval of 10 s, 5% of them in a release, against
 * the embedded API server in a process of its own.
 */
export async function benchOperator(): Promise<Figures> {
  const small = await measureFleet(1000);
  const large = await measureFleet(5000);
  return {
    ...figuresOf("1k", small),
    ...figuresOf("5k", large),
    "5k cpu": aimed(large.cpuCores, "cores", { atMost: 1 }),
    "5k memory": aimed(large.memoryBytes / 2 ** 20, "MiB", { atMost: 512 }),
    "5k tick lateness p99": aimed(large.latenessP99Seconds, "s", { atMost: 1 }),
    "5k requests per release / Flagger": aimed(large.requestsPerRelease / FLAGGER_REQUESTS_PER_ROLLOUT, "ratio", {
      atMost: 40 / FLAGGER_REQUESTS_PER_ROLLOUT,
    }),
  };
}

interface Measured {
  readonly initializeSeconds: number;
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly latenessP99Seconds: number;
  readonly requestsPerSecond: number;
  readonly metricQueriesPerSecond: number;
  readonly releases: number;
  readonly failedReleases: number;
  readonly requestsPerRelease: number;
}

function figuresOf(name: string, measured: Measured): Figures {
  return {
    [`${name} initialize all`]: reported(measured.initializeSeconds, "s"),
    [`${name} cpu`]: reported(measured.cpuCores, "cores"),
    [`${name} memory`]: reported(measured.memoryBytes / 2 ** 20, "MiB"),
    [`${name} tick lateness p99`]: reported(measured.latenessP99Seconds, "s"),
    [`${name} API requests`]: reported(measured.requestsPerSecond, "1/s"),
    [`${name} metric queries`]: reported(measured.metricQueriesPerSecond, "1/s"),
    [`${name} releases ended`]: reported(measured.releases, "releases"),
    [`${name} releases failed`]: aimed(measured.failedReleases, "releases", { atMost: 0 }),
    [`${name} requests per release`]: reported(measured.requestsPerRelease, "requests"),
  };
}

function operatorFlags(kubeconfig: string, metricsServer: string): string[] {
  return [
    `-kubeconfig=${kubeconfig}`,
    `-metrics-server=${metricsServer}`,
    `-port=${OPERATOR_PORT}`,
    "-log-level=warn",
    // Flagger's default of 100 requests a second is for the good of a small API server; here it would measure itself.
    "-kubeconfig-qps=5000",
    "-kubeconfig-burst=5000",
  ];
}

async function measureFleet(canaryCount: number): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), "serin-bench-operator-"));
  const kubeconfig = join(directory, "kubeconfig");
  const api = startBuilt("api-server", ["--data-dir", join(directory, "api"), "--kubeconfig", kubeconfig]);
  await api.firstLine;
  const client = createKubeClient(await loadKubeconfig(kubeconfig));
  const workloads = Array.from({ length: canaryCount }, (_, index) => ({
    namespace: `team-${index % 50}`,
    name: `app-${index}`,
  }));
  const prometheus = await startMeshMetrics(workloads);
  const fleet = await createFleet(client, canaryCount);
  console.error(`${canaryCount} Canaries created`);
  const startedMs = Date.now();
  const operator = startBuilt("operator", operatorFlags(kubeconfig, prometheus.url), NODE_OPTIONS);
  const stop = new AbortController();
  try {
    await fleet.untilInitialized(startedMs + INITIALIZE_DEADLINE_MS);
    const initializeSeconds = (Date.now() - startedMs) / 1000;
    console.error(`${canaryCount} Canaries initialized in ${initializeSeconds.toFixed(0)} s`);
    fleet.keepRolling(Math.round(canaryCount * ROLLING_SHARE), stop.signal);
    await pause(WARM_UP_MS);
    const window = await measureWindow(operator.pid, { prometheus, fleet });
    return { initializeSeconds, ...window };
  } finally {
    stop.abort();
    fleet.close();
    await operator.stop();
    await client.close();
    await prometheus.close();
    await api.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureWindow(
  pid: number,
  around: {
    prometheus: { queryCount(): number };
    fleet: { ended(): Readonly<Record<"Succeeded" | "Failed", number>> };
  },
): Promise<Omit<Measured, "initializeSeconds">> {
  const url = `http://127.0.0.1:${OPERATOR_PORT}/metrics`;
  const { prometheus, fleet } = around;
  const endedCount = (): number => fleet.ended().Succeeded + fleet.ended().Failed;
  const [before, queriesBefore, endedBefore, startedMs] = [
    await scrape(url),
    prometheus.queryCount(),
    endedCount(),
    performance.now(),
  ];
  let memoryBytes = 0;
  while (performance.now() - startedMs < WINDOW_MS) {
    memoryBytes = Math.max(memoryBytes, residentBytes(pid));
    await pause(500);
  }
  const after = await scrape(url);
  const seconds = (performance.now() - startedMs) / 1000;
  const requests = total(after, "serin_kube_requests_total", before);
  const releases = endedCount() - endedBefore;
  return {
    cpuCores: total(after, "process_cpu_seconds_total", before) / seconds,
    memoryBytes,
    latenessP99Seconds: quantileBound(after, "serin_tick_lateness_seconds", { share: 0.99, before }),
    requestsPerSecond: requests / seconds,
    metricQueriesPerSecond: (prometheus.queryCount() - queriesBefore) / seconds,
    releases,
    failedReleases: fleet.ended().Failed,
    requestsPerRelease: requests / Math.max(1, releases),
  };
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) * 1024;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
