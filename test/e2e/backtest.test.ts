import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "#base";
import { startCommand } from "../../src/cli/started-command.ts";
import { findProgram } from "./debian-package.ts";

const server = findProgram("prometheus", { debianPackage: "prometheus" });
const tool = findProgram("promtool", { debianPackage: "prometheus" });
const [serverPath, toolPath] = [pathOf(server), pathOf(tool)];
if (serverPath === undefined || toolPath === undefined)
  console.log(
    `skipped: serin simulate --prometheus against a real Prometheus: ${"missing" in server ? server.missing : ""}`,
  );

function pathOf(found: typeof server): string | undefined {
  return "path" in found ? found.path : undefined;
}

const SCRAPE_SECONDS = 30;
const HOURS = 3;
const PODS = ["p1", "p2", "p3", "p4", "p5", "p6"];
const BOUNDS = [25, 50, 100, 250, 500];
/** Requests of a pod between two scrapes, and the share of them up to each bound. */
const REQUESTS = 300;
const SHARES = [0.3, 0.6, 0.87, 0.98, 0.999];

/** A canary that was there for a part of the past: seconds before its end. */
interface PastCanary {
  readonly pod: string;
  readonly fromSeconds: number;
  readonly untilSeconds: number;
  readonly errorShare: number;
  /** When its process was started again, and counted from 0. */
  readonly restartSeconds?: number;
}

/** A good release at a third of the traffic, and one with errors; the second one's process was started again. */
const RELEASES: readonly PastCanary[] = [
  { pod: "web-6d4cf56db6-x2x4z", fromSeconds: 5400, untilSeconds: 4200, errorShare: 0.005, restartSeconds: 4800 },
  { pod: "web-7f9cb88d5c-b2b4z", fromSeconds: 2400, untilSeconds: 1800, errorShare: 0.2 },
];
/** Requests of a canary between two scrapes: a fourth of all. */
const CANARY_REQUESTS = (PODS.length * REQUESTS) / 3;

/** Three hours of counters of six pods that all run the same release, and of the canaries, as a scraper would have stored them. */
function openMetrics(endSeconds: number): string {
  const random = seededRandom(7);
  const some = (count: number, share: number): number => {
    const mean = count * share;
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * (random.next() + random.next() + random.next() - 1.5) * 2));
  };
  const requests: string[] = ["# TYPE istio_requests counter"];
  const durations: string[] = ["# TYPE istio_request_duration_milliseconds histogram"];
  const base = 'reporter="destination",destination_workload="web-primary",destination_workload_namespace="shop"';
  const canaryBase = base.replace("web-primary", "web");
  for (const pod of PODS) {
    const labels = `${base},pod="${pod}"`;
    let [good, bad] = [0, 0];
    const within = BOUNDS.map(() => 0);
    for (let at = endSeconds - HOURS * 3600; at <= endSeconds; at += SCRAPE_SECONDS) {
      bad += some(REQUESTS, 0.005);
      good += REQUESTS;
      requests.push(`istio_requests_total{${labels},response_code="200"} ${good} ${at}`);
      requests.push(`istio_requests_total{${labels},response_code="503"} ${bad} ${at}`);
      BOUNDS.forEach((bound, index) => {
        within[index] = Math.max(within[index - 1] ?? 0, (within[index] ?? 0) + some(REQUESTS, SHARES[index] ?? 1));
        durations.push(`istio_request_duration_milliseconds_bucket{${labels},le="${bound}.0"} ${within[index]} ${at}`);
      });
      durations.push(`istio_request_duration_milliseconds_bucket{${labels},le="+Inf"} ${good + bad} ${at}`);
    }
  }
  for (const { pod, fromSeconds, untilSeconds, errorShare, restartSeconds } of RELEASES) {
    const labels = `${canaryBase},pod="${pod}"`;
    let [good, bad] = [0, 0];
    let within = BOUNDS.map(() => 0);
    for (let ago = fromSeconds; ago >= untilSeconds; ago -= SCRAPE_SECONDS) {
      const at = endSeconds - ago;
      if (ago === restartSeconds) [good, bad, within] = [0, 0, BOUNDS.map(() => 0)];
      bad += some(CANARY_REQUESTS, errorShare);
      good += CANARY_REQUESTS;
      requests.push(`istio_requests_total{${labels},response_code="200"} ${good} ${at}`);
      requests.push(`istio_requests_total{${labels},response_code="503"} ${bad} ${at}`);
      within = within.map((count, index) => count + Math.round(CANARY_REQUESTS * (SHARES[index] ?? 1)));
      for (const [index, bound] of BOUNDS.entries())
        durations.push(`istio_request_duration_milliseconds_bucket{${labels},le="${bound}.0"} ${within[index]} ${at}`);
      durations.push(`istio_request_duration_milliseconds_bucket{${labels},le="+Inf"} ${good + bad} ${at}`);
    }
  }
  const weights = ["# TYPE flagger_canary_weight gauge"];
  // Of the first release nobody recorded it.
  for (let ago = 3600; ago >= 0; ago -= SCRAPE_SECONDS) {
    const weight = ago <= 2430 && ago > 1800 ? 25 : 0;
    weights.push(`flagger_canary_weight{workload="web",exported_namespace="shop"} ${weight} ${endSeconds - ago}`);
  }
  return [...requests, ...durations, ...weights, "# EOF", ""].join("\n");
}

async function startServer(folder: string): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const metrics = join(folder, "past.txt");
  const data = join(folder, "data");
  const now = Math.floor(Date.now() / 1000 / SCRAPE_SECONDS) * SCRAPE_SECONDS;
  writeFileSync(metrics, openMetrics(now));
  const made = spawnSync(toolPath ?? "", ["tsdb", "create-blocks-from", "openmetrics", metrics, data], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`promtool: ${made.stdout}${made.stderr}`);
  writeFileSync(join(folder, "prometheus.yml"), "scrape_configs: []\n");
  const flags = [`--config.file=${join(folder, "prometheus.yml")}`, `--storage.tsdb.path=${data}`];
  const child = spawn(serverPath ?? "", [...flags, "--web.listen-address=127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-100_000);
      const address = /(127\.0\.0\.1:[1-9]\d*)/.exec(log)?.[1];
      if (address !== undefined && log.includes("ready to receive web requests")) resolve(`http://${address}`);
    });
    child.once("exit", () => reject(new Error(`prometheus ended: ${log.slice(-2000)}`)));
    child.once("error", reject);
  });
  return { url, child };
}

const canaryText = (analysis: string): string => `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  service: {port: 80}
  analysis:
    interval: 30s
    threshold: 2
    stepWeights: [5, 10, 25]
    metrics: [{name: request-success-rate${analysis}}, {name: request-duration, thresholdRange: {max: 500}}]
`;

describe.skipIf(serverPath === undefined || toolPath === undefined)("serin simulate --prometheus", () => {
  const folder = mkdtempSync(join(tmpdir(), "serin-backtest-"));
  const strict = join(folder, "strict.yaml");
  const sequential = join(folder, "sequential.yaml");
  let prometheus: Awaited<ReturnType<typeof startServer>>;

  beforeAll(async () => {
    writeFileSync(strict, canaryText(", thresholdRange: {min: 99.9}"));
    writeFileSync(sequential, canaryText("").replace("interval", "method: sequential\n    interval"));
    prometheus = await startServer(folder);
  });

  afterAll(async () => {
    const ended = new Promise((resolve) => prometheus.child.once("exit", resolve));
    prometheus.child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  async function serin(...argv: string[]) {
    const { status, out, err } = await startCommand(["simulate", ...argv]).ended;
    return { status, text: `${out}${err}` };
  }

  const past = (...flags: string[]): string[] => [
    "--prometheus",
    prometheus.url,
    "--since",
    "3h",
    "--runs",
    "12",
    ...flags,
  ];

  test("a threshold above what the service ever reached rolls back every release of its own past", async () => {
    const { status, text } = await serin("-f", strict, ...past("--require", "falseAbort<=1%"));
    expect(text).toContain("halves of the pods of web-primary in the last 3h0m0s, 12 runs");
    expect(text).toMatch(/healthy +100\.0% /);
    expect(text).toContain("NOT MET falseAbort<=1%: 100% (healthy)");
    expect(status).toBe(1);
  });

  test("a sequential analysis of the same past promotes: the halves do not differ", async () => {
    const { status, text } = await serin("-f", sequential, ...past("-o", "json", "--require", "falseAbort<=1%"));
    expect({ status, text }).toEqual({ status: 0, text: expect.stringContaining("web-primary") });
    expect(JSON.parse(text)).toMatchObject({
      service: { workload: "web-primary" },
      cases: [{ name: "healthy", rolledBack: { share: 0 }, promoted: { share: 1 } }],
      met: true,
    });
  });

  test("the releases of the past are found and judged: one promoted, one rolled back, with counters that began anew", async () => {
    const { status, text } = await serin("-f", sequential, ...past("-o", "json"));
    expect(status).toBe(0);
    const { found, notes } = JSON.parse(text).releases;
    expect(notes).toEqual([]);
    expect(found).toHaveLength(2);
    const [good, bad] = found;
    expect(good).toMatchObject({
      verdict: "promoted",
      wasPromoted: null,
      weights: { from: "measured", least: 25, most: 25 },
    });
    expect(good.seconds).toBe(5400 - 4200 + SCRAPE_SECONDS);
    const scrapes = (5400 - 4200) / SCRAPE_SECONDS + 1;
    expect(good.requests.canary / (scrapes * CANARY_REQUESTS)).toBeCloseTo(1.005, 2);
    expect(good.requests.primary / (scrapes * PODS.length * REQUESTS)).toBeCloseTo(1.005, 2);
    expect(bad).toMatchObject({ verdict: "rolled-back", label: "rollback-evidence" });
    expect(bad.weights).toEqual({ from: "recorded", least: 25, most: 25 });
    expect(bad.sentence).toContain("Rolling back");
    expect(bad.decidedSeconds).toBeLessThan(300);
    expect(Date.parse(bad.decided)).toBe(Date.parse(bad.began) + 1000 * bad.decidedSeconds);
    const told = await serin("-f", sequential, ...past());
    expect(told.text).toContain("Releases of the last 3h0m0s: 2 found");
    expect(told.text).toMatch(/25% to 25%, measured +\? +promoted/);
    expect(told.text).toMatch(/25% to 25% +\? +rolled back/);
    expect(told.text).toContain("decision is what really happened, not what would have.");
  });

  test("what a server answers that is no Prometheus, and a past without samples, are told", async () => {
    const page = createServer((_, response) => response.end("<html>welcome</html>"));
    await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
    const address = page.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const wrong = await serin("-f", sequential, "--prometheus", `http://127.0.0.1:${port}`, "--since", "3h");
    page.close();
    expect(wrong.status).toBe(1);
    expect(wrong.text).toMatch(/What 127\.0\.0\.1:\d+ for sum\(increase\(.* answered is no range: <html>welcome/);
    writeFileSync(join(folder, "other.yaml"), canaryText("").replaceAll("name: web", "name: api"));
    const empty = await serin("-f", join(folder, "other.yaml"), ...past());
    expect(empty.status).toBe(1);
    expect(empty.text).toContain("Found no two pods with istio_requests_total of the workload shop/api-primary");
  });

  test("a past without such pods, a wrong address and a wrong label are told with what to change", async () => {
    const other = await serin("-f", strict, ...past("--pod-label", "instance"));
    expect(other.status).toBe(1);
    expect(other.text).toContain("Found no two pods with istio_requests_total of the workload shop/web-primary");
    const gone = await serin("-f", strict, "--prometheus", "http://127.0.0.1:9", "--runs", "1");
    expect(gone.text).toMatch(/Cannot ask the Prometheus server 127\.0\.0\.1:9 for sum\(increase\(/);
    const wrong = await serin("-f", strict, "--prometheus", "prometheus:9090");
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.text).toContain('--prometheus: "prometheus:9090" is not an address');
  });
});
