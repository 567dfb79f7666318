import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { runProgram } from "../program.ts";

const folder = mkdtempSync(join(tmpdir(), "serin-simulate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const canaryText = (name: string): string => `
apiVersion: flagger.app/v1beta1
kind: Canary
metadata: {name: ${name}, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: ${name}}
  service: {port: 80}
  analysis:
    interval: 30s
    threshold: 3
    stepWeight: 20
    maxWeight: 60
    metrics:
      - {name: request-success-rate, thresholdRange: {min: 99}}
      - {name: queue-depth, templateRef: {name: queue-depth}, thresholdRange: {max: 5}}
`;
const service = "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---";
const oneCanary = write("one.yaml", `${service}${canaryText("web")}`);

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function serin(...argv: string[]): Promise<Ended> {
  const [out, err] = [collect(), collect()];
  const status = await runProgram({
    argv: ["simulate", ...argv],
    stdout: out.stream,
    stderr: err.stream,
    env: {},
    signal: new AbortController().signal,
  });
  return { status, out: out.text(), err: err.text() };
}

function collect(): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  // What the program uses of a WriteStream is what a Writable has.
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => chunks.join("") };
}

const quick = ["--runs", "20", "--noise", "iid", "--fault", "errors=30%"];

test("serin simulate: a table of the healthy release and the faults, with limits, notes, and no progress off a terminal", async () => {
  const { status, out, err } = await serin("-f", oneCanary, ...quick, "--fault", "errors=0.5%,after=1m");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("shop/web: threshold, 100 requests/s");
  expect(out).toContain("note: left out, as nothing is known of their values: queue-depth");
  expect(out).toMatch(/healthy +0\.0% \(0\.0% to 16\.8%\) +- +- +- +1m30s, 1m30s/);
  expect(out).toMatch(/errors=30% +100\.0% \(83\.2% to 100\.0%\) +1m30s, 1m30s +\d+, \d+ /);
  expect(out).toMatch(/errors=0\.5%,after=1m +0\.0% /);
});

test("serin simulate: the same seed prints the same bytes", async () => {
  const runs = await Promise.all([serin("-f", oneCanary, ...quick), serin("-f", oneCanary, ...quick)]);
  expect(runs[0]).toEqual(runs[1]);
  expect(await serin("-f", oneCanary, ...quick, "--seed", "2")).not.toEqual(runs[0]);
});

test("serin simulate --require: 0 when all are met, 1 when one is not, each with what was measured", async () => {
  const met = await serin("-f", oneCanary, ...quick, "--require", "falseAbort<=1%", "--require", "timeToDetect <= 90s");
  expect(met.status).toBe(0);
  expect(met.out).toContain("met     falseAbort<=1%: 0% (healthy)");
  const missed = await serin("-f", oneCanary, ...quick, "--require", "detection>=99%", "--require", "badRequests<100");
  expect(missed.status).toBe(1);
  expect(missed.out).toContain("met     detection>=99%: 100% (errors=30%)");
  expect(missed.out).toMatch(/NOT MET badRequests<100: \d{3} \(errors=30%\)/);
  // Nothing was detected, so nothing was detected in time.
  const quiet = await serin(
    "-f",
    oneCanary,
    ...quick.slice(0, 4),
    "--fault",
    "errors=0.1%",
    "--require",
    "timeToDetect<=1h",
  );
  expect(quiet.status).toBe(1);
  expect(quiet.out).toContain("NOT MET timeToDetect<=1h: no run (errors=0.1%)");
});

test("serin simulate -o json: one document with figures in plain units; --plot: a picture", async () => {
  const plot = join(folder, "plot.svg");
  const { status, out } = await serin(
    "-f",
    oneCanary,
    ...quick,
    "-o",
    "json",
    "--plot",
    plot,
    "--require",
    "falseAbort<=1%",
  );
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    runs: 20,
    seed: 1,
    service: { requestsPerSecond: 100, errorRate: 0.001, noise: "iid" },
    cases: [
      { name: "healthy", rolledBack: { share: 0, low: 0 }, promotionSeconds: { median: 90 }, undecided: 0 },
      { name: "errors=30%", rolledBack: { share: 1, high: 1 }, rollbackSeconds: { median: 90, p90: 90 } },
    ],
    requirements: [{ isMet: true }],
    met: true,
  });
  const svg = readFileSync(plot, "utf8");
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(svg).toContain("errors=30%: rolled back");
});

test("serin simulate --environment: what goes wrong around the releases is told, with what it did to them", async () => {
  const flags = ["metrics-outage,after=20s,for=1m", "crash,after=40s", "crash=1%,after=1h,for=1m", "slow-pods=50s"];
  const environment = flags.flatMap((flag) => ["--environment", flag]);
  const { status, out } = await serin("-f", oneCanary, ...quick, ...environment, "--require", "falseAbort<=1%");
  expect(status).toBe(0);
  expect(out).toContain(`environment of every release: ${flags.join("; ")}`);
  expect(out).toMatch(/healthy +0\.0% /);
  expect(out).toContain("A release met 1.0 crashes, 0.0 refused writes and 3.0 looks without metrics");
  expect(out).toContain("its canary's first request came after 50s.");
  expect(out).toContain("Lost (a verdict, but no end within an hour): 0 of 40 releases.");
  const lags = [
    "--environment",
    "api-conflicts=20%",
    "--environment",
    "mesh-lag=5s",
    "--environment",
    "scrape-lag=10s",
  ];
  const json = async (): Promise<string> => (await serin("-f", oneCanary, ...quick, ...lags, "-o", "json")).out;
  const first = await json();
  expect(await json()).toBe(first);
  expect(JSON.parse(first)).toMatchObject({
    environment: ["api-conflicts=20%", "mesh-lag=5s", "scrape-lag=10s"],
    cases: [{ name: "healthy", rolledBack: { share: 0 }, environment: { crashes: 0, lost: 0 } }, {}],
  });
  expect(JSON.parse(first).cases[0].environment.refusedWrites).toBeGreaterThan(0);
  expect(JSON.parse((await serin("-f", oneCanary, ...quick, "-o", "json")).out)).toMatchObject({ environment: [] });
});

test("serin simulate --canary: one of several; without it, or with another name, the file's names are told", async () => {
  const two = write("two.yaml", `${canaryText("web")}---${canaryText("api")}`);
  expect((await serin("-f", two, ...quick, "--canary", "api")).out).toContain("shop/api: threshold");
  expect(await serin("-f", two)).toMatchObject({
    status: 1,
    err: `serin: Cannot simulate the manifest ${two}: it has several Canaries; choose one with --canary: web, api\n`,
  });
  expect((await serin("-f", two, "--canary", "x")).err).toContain('it has no Canary "x", but web, api');
});

test("serin simulate: files that are no Canary are refused with what to change", async () => {
  const errorOf = async (text: string): Promise<string> => {
    const { status, err } = await serin("-f", write("bad.yaml", text));
    expect(status).toBe(1);
    return err;
  };
  expect(await errorOf(service)).toContain("it has no object of kind Canary");
  expect(await errorOf("a: [")).toContain("line 1, column");
  expect(await errorOf(canaryText("web").replace("interval: 30s", "interval: [30]"))).toContain(
    "spec.analysis.interval",
  );
  expect(await errorOf(canaryText("web").replace("stepWeight: 20", "iterations: 5"))).toContain(
    "the release is blue-green",
  );
  expect(await errorOf(canaryText("web").replace("interval: 30s", "interval: soon"))).toContain('"soon"');
  expect((await serin("-f", join(folder, "none.yaml"))).err).toMatch(/Cannot read the manifest .*none\.yaml: ENOENT/);
});

test.each([
  [["--fault", "errors=500%"], '--fault: "errors=500%" is not a fault; write errors=5%'],
  [["--fault", "latency=2"], '--fault: "latency=2"'],
  [["--fault", "tail=1%"], '--fault: "tail=1%"'],
  [["--fault", "leak=1%"], '--fault: "leak=1%"'],
  [["--fault", "errors=1%,when=3m"], '--fault: the times of "errors=1%,when=3m" cannot be read'],
  [
    ["--environment", "earthquake"],
    '--environment: "earthquake" is not a fault of the environment; write metrics-outage',
  ],
  [["--environment", "metrics-outage=2m"], '--environment: "metrics-outage=2m" is not a fault of the environment'],
  [["--environment", "api-conflicts"], '--environment: "api-conflicts" is not a fault of the environment'],
  [["--environment", "api-conflicts=60%"], '"api-conflicts=60%" is too much; chances go up to 50%'],
  [["--environment", "crash,for=2m"], '--environment: the times of "crash,for=2m" cannot be read'],
  [["--environment", "crash=5%,until=2m"], '--environment: the times of "crash=5%,until=2m" cannot be read'],
  [["--environment", "slow-pods=soon"], '--environment: "slow-pods=soon"'],
  [["--environment", "slow-pods=2h"], '"slow-pods=2h" is too much'],
  [["--environment", "mesh-lag=5s,after=1m"], '--environment: the times of "mesh-lag=5s,after=1m" cannot be read'],
  [["--environment", "mesh-lag=5s", "--environment", "mesh-lag=9s"], '"mesh-lag=9s" is there twice'],
  [["--environment", "crash", "--prometheus", "http://127.0.0.1:9"], "leave out --fault, --environment"],
  [["--require", "speed<=1"], '--require: "speed<=1" is not a requirement'],
  [["--require", "toString<=1"], '--require: "toString<=1" is not a requirement'],
  [["--require", "falseAbort<=1"], '--require: "falseAbort<=1" needs a percentage such as 1% after <=, received "1"'],
  [["--require", "timeToDetect<4"], 'needs a duration such as 4m after <, received "4"'],
  [["--rps", "0"], '--rps: "0" is not a rate'],
  [["--baseline-errors", "1"], '--baseline-errors: "1" is not a share'],
  [["--runs", "0"], '--runs: "0"'],
  [["--runs", "1e9"], '--runs: "1e9"'],
  [["--seed", "-1"], '--seed: "-1"'],
  [["--noise", "loud"], "--noise"],
  [["--output", "xml"], "--output"],
])("serin simulate %j: exit status 2 and a sentence that quotes it", async (flags, message) => {
  const { status, err } = await serin("-f", oneCanary, ...flags);
  expect(status).toBe(2);
  expect(err).toContain(message);
});

test("serin simulate: faults of every kind are understood", async () => {
  const names = ["tail=2%@1500ms", "leak=0.5%/min,after=30s", "latency=x1.5,for=2m"];
  const flags = names.flatMap((name) => ["--fault", name]);
  const { out, status } = await serin("-f", oneCanary, "--runs", "3", "--load", "diurnal", ...flags);
  expect(status).toBe(0);
  for (const name of names) expect(out).toContain(name);
});

test("serin simulate --replay: what would have been said to a recording, as text and as JSON", async () => {
  const lines = Array.from({ length: 30 }, (_, index) => {
    const canary = { total: 200, bad: index < 4 ? 0 : 60 };
    const arms = { canary, primary: { total: 800, bad: 1 } };
    return JSON.stringify({
      untilMs: 1_770_000_000_000 + index * 10_000,
      metrics: [{ name: "request-success-rate", kind: "counts", arms }],
    });
  });
  const recording = write("release.jsonl", lines.join("\n"));
  const { status, out } = await serin("-f", oneCanary, "--replay", recording);
  expect(status).toBe(0);
  expect(out).toMatch(/^note: left out, as nothing is known of their values: queue-depth\n/);
  expect(out).toMatch(/30s +40% {2}Every check passed at 20%/);
  expect(out).toMatch(/After 2m0s the release would have been rolled back\.\n$/);
  const { out: json } = await serin("-f", oneCanary, "--replay", recording, "-o", "json");
  expect(JSON.parse(json)).toMatchObject({ verdict: "rolled-back", endedSeconds: 120 });
  const cut = write("cut.jsonl", `${lines[0]}\n{"untilMs":`);
  expect(await serin("-f", oneCanary, "--replay", cut)).toMatchObject({
    status: 1,
    err: `serin: Cannot read the recording ${cut}: line 2: is not JSON\n`,
  });
  expect((await serin("-f", oneCanary, "--replay", recording, "--fault", "errors=1%")).status).toBe(2);
});

test("serin simulate: a sequential analysis is run as such", async () => {
  const text = canaryText("web").replace("threshold: 3", "threshold: 3\n    method: sequential");
  const flags = ["--runs", "4", "--rps", "1000", "--noise", "iid", "--fault", "errors=30%"];
  const { status, out } = await serin("-f", write("sequential.yaml", text), ...flags);
  expect(status).toBe(0);
  expect(out).toContain("shop/web: sequential, 1000 requests/s");
  expect(out).toMatch(/healthy +0\.0% /);
  expect(out).toMatch(/errors=30% +100\.0% /);
});
