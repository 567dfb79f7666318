import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#kube";
import { probeTriggers } from "../../src/cluster/autoscale/triggers/probe-trigger.ts";

/** How long apt may take to install the package. */
const INSTALL_TIMEOUT_MS = 110_000;

const binary = findPrometheus();
if (binary === undefined)
  console.log("skipped: the prometheus trigger against a real Prometheus; install Debian's package prometheus");

/** The one on PATH, else Debian's, which root may install. */
function findPrometheus(): string | undefined {
  const lookUp = (): string | undefined =>
    (process.env.PATH ?? "")
      .split(delimiter)
      .map((folder) => join(folder, "prometheus"))
      .find((path) => existsSync(path));
  const found = lookUp();
  if (found !== undefined || !existsSync("/etc/debian_version") || process.getuid?.() !== 0) return found;
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "prometheus"], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: INSTALL_TIMEOUT_MS,
  });
  return lookUp();
}

/** Starts it on a free port, with nothing to scrape; the address is in what it logs. */
async function startPrometheus(path: string, directory: string): Promise<{ url: string; child: ChildProcess }> {
  writeFileSync(join(directory, "prometheus.yml"), "scrape_configs: []\n");
  const child = spawn(
    path,
    [
      `--config.file=${join(directory, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      "--web.listen-address=127.0.0.1:0",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
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

describe.skipIf(binary === undefined)("prometheus trigger against a real Prometheus", () => {
  const directory = mkdtempSync(join(tmpdir(), "serin-prometheus-"));
  const probe = probeTriggers({ clock: systemClock });
  let server: Awaited<ReturnType<typeof startPrometheus>>;

  beforeAll(async () => {
    server = await startPrometheus(binary ?? "", directory);
  });

  afterAll(async () => {
    await probe.close();
    const ended = new Promise((resolve) => server.child.once("exit", resolve));
    server.child.kill();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });

  test.each<[string, Record<string, string>, unknown]>([
    ["vector(12.5)", { activationThreshold: "12" }, { values: [12.5], isActive: true }],
    ["vector(12.5)", { activationThreshold: "12.5" }, { values: [12.5], isActive: false }],
    [
      'vector(1) and on() vector(2) == bool 1 or label_replace(vector(3), "a", "b c+&", "", "")',
      {},
      expect.stringContaining("the query gives 2 series"),
    ],
    [
      'label_replace(vector(3), "a", "b c+&=", "", "")',
      { queryParameters: "timeout=5s" },
      { values: [3], isActive: true },
    ],
    ["nothing_has_this_name", {}, { values: [0], isActive: false }],
    ["nothing_has_this_name", { ignoreNullValues: "false" }, "prometheus query cannot be used: the result is empty"],
    ["vector(0)/0", {}, { values: [0], isActive: false }],
    ["vector(0)/0", { ignoreNullValues: "false" }, "prometheus query cannot be used: the query gives NaN"],
    ["vector(-1)/0", { ignoreNullValues: "false" }, "prometheus query cannot be used: the query gives -Infinity"],
    ["scalar(vector(1))", {}, expect.stringContaining("write vector(…) around it")],
    ["time() > bool 0", {}, expect.stringContaining("write vector(…) around it")],
    ["vector(time()) > 1.7e9", {}, { values: [expect.closeTo(Date.now() / 1000, -3)], isActive: true }],
    ["sum(", {}, expect.stringMatching(/^prometheus query api returned error. status: 400 .*parse error/)],
  ])("%s %j", async (query, more, expected) => {
    const metadata = { serverAddress: server.url, query, threshold: "5", ...more };
    expect(await probe.read("prometheus", { metadata })).toEqual(expected);
  });
});
