import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#kube";
import { probeTriggers } from "../../../src/cluster/autoscale/triggers/testing/probe-trigger.ts";
import { findProgram } from "../debian-package.ts";
import { ForeignServers } from "./foreign-servers.ts";

const prometheus = findProgram("prometheus", { debianPackage: "prometheus" });
if ("missing" in prometheus) console.warn(`skipping the prometheus trigger: ${prometheus.missing}`);

/** Starts it on a free port, with nothing to scrape; the address is in what it logs. */
async function startPrometheus(servers: ForeignServers, path: string): Promise<string> {
  await servers.startUntil(/ready to receive web requests/, path, [
    `--config.file=${servers.place("prometheus.yml", "scrape_configs: []\n")}`,
    `--storage.tsdb.path=${servers.makeDirectory("data")}`,
    "--web.listen-address=127.0.0.1:0",
  ]);
  const address = /127\.0\.0\.1:[1-9]\d*/.exec(servers.output)?.[0];
  if (address === undefined) throw new Error(`prometheus does not say where it listens: ${servers.output}`);
  return `http://${address}`;
}

describe.skipIf("missing" in prometheus)("prometheus trigger against a real Prometheus", () => {
  const servers = new ForeignServers("prometheus");
  const probe = probeTriggers({ clock: systemClock });
  let url = "";

  beforeAll(async () => {
    if ("path" in prometheus) url = await startPrometheus(servers, prometheus.path);
  });

  afterAll(async () => {
    await probe.close();
    await servers.stop();
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
    const metadata = { serverAddress: url, query, threshold: "5", ...more };
    expect(await probe.read("prometheus", { metadata })).toEqual(expected);
  });
});
