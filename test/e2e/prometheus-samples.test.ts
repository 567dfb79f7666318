import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "#kube";
import type { Samples } from "#rollout";
import { createOutboundHttp } from "../../src/operator/gates/index.ts";
import { measureSamples, type MeasureContext } from "../../src/operator/metrics/index.ts";
import { addIstio, canaryWith, CountingProcess, ERRORS, LATENCY } from "../../src/operator/metrics/samples-rig.ts";
import { findProgram } from "./debian-package.ts";
import { ForeignServers } from "./triggers/foreign-servers.ts";

const prometheus = findProgram("prometheus", { debianPackage: "prometheus" });
if ("missing" in prometheus) console.warn(`skipping the samples from a real Prometheus: ${prometheus.missing}`);

describe.skipIf("missing" in prometheus)("measureSamples against a real Prometheus", () => {
  const servers = new ForeignServers("prometheus-samples");
  const http = createOutboundHttp({});
  const processes = new Map(
    ["web-0", "web-primary-0", "web-primary-1"].map((pod) => [pod, new CountingProcess("pods", { pod })]),
  );
  const exporter = createServer((request, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(processes.get(request.url?.slice(1) ?? "")?.expose() ?? "");
  });
  let url = "";

  const serve = (pod: string, count: number, code = "200"): void => {
    const process = processes.get(pod);
    if (process !== undefined)
      addIstio(process, { reporter: "destination", to: pod.replace(/-\d$/, ""), count, code, ms: 50 });
  };
  const look = (afterMs: number | undefined, needsHistory = false): Promise<Samples> => {
    const context: MeasureContext = {
      metricsServer: url,
      meshProvider: "istio",
      http,
      clock: systemClock,
      signal: new AbortController().signal,
      template: () => undefined,
      secret: () => undefined,
    };
    const question = { kind: "samples", id: "samples", afterMs, needsHistory } as const;
    return measureSamples(question, { canary: canaryWith([ERRORS, LATENCY]) }, context);
  };

  beforeAll(async () => {
    await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
    const target = `127.0.0.1:${(exporter.address() as AddressInfo).port}`;
    const scrapes = [...processes.keys()].map((pod) => ({
      targets: [target],
      labels: { pod, instance: pod, __metrics_path__: `/${pod}` },
    }));
    const config = {
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: [{ job_name: "pods", static_configs: scrapes }],
    };
    await servers.startUntil(/ready to receive web requests/, "path" in prometheus ? prometheus.path : "", [
      // JSON is YAML.
      `--config.file=${servers.place("prometheus.yml", JSON.stringify(config))}`,
      `--storage.tsdb.path=${servers.makeDirectory("data")}`,
      "--web.listen-address=127.0.0.1:0",
    ]);
    const address = /127\.0\.0\.1:[1-9]\d*/.exec(servers.output)?.[0];
    if (address === undefined) throw new Error(`prometheus does not say where it listens: ${servers.output}`);
    url = `http://${address}`;
  });

  afterAll(async () => {
    await servers.stop();
    exporter.closeAllConnections();
    exporter.close();
    await http.close();
  });

  test("counts of both copies come from what it scraped, a pod that restarts included", async () => {
    for (const pod of processes.keys()) serve(pod, 100);
    const first = await vi.waitFor(
      async () => {
        const samples = await look(undefined, true);
        expect(samples.untilMs).toBeDefined();
        return samples;
      },
      { timeout: 20_000, interval: 500 },
    );
    expect(first.history).toEqual([{ name: ERRORS.name }, { name: LATENCY.name }]);
    // Every process is scraped once more before its counters go on.
    await pause(2000);
    const begun = await look(undefined);
    processes.get("web-0")?.restart();
    serve("web-0", 7, "500");
    serve("web-0", 3);
    serve("web-primary-0", 20);
    serve("web-primary-1", 30);
    await vi.waitFor(
      async () => {
        const { metrics } = await look(begun.untilMs);
        expect(metrics).toMatchObject([
          { kind: "counts", arms: { canary: { total: 10, bad: 7 }, primary: { total: 50, bad: 0 } } },
          { kind: "latency", canary: { total: 10, above: [10, 0, 0] }, primary: { total: 50, above: [50, 0, 0] } },
        ]);
      },
      { timeout: 20_000, interval: 500 },
    );
  }, 60_000);
});
