import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { processesNaming, type SerinProcess, startSerin } from "./serin-process.ts";

/** A cluster of `serin up` in a temporary directory. */
export interface UpCluster {
  readonly directory: string;
  readonly kubeconfig: string;
  readonly gatewayPort: number;
  readonly serin: SerinProcess;
  /** Sends GET through the ingress gateway. */
  throughGateway(host: string, path: string): Promise<GatewayAnswer>;
  /** Ends the cluster and checks that nothing of it is left. */
  close(): Promise<void>;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Starts `serin up` on free ports and waits until it is ready. */
export async function startUpCluster(...flags: readonly string[]): Promise<UpCluster> {
  const directory = mkdtempSync(join(tmpdir(), "serin-e2e-"));
  const data = join(directory, "data");
  const serin = startSerin(["up", "--data-dir", data, "--gateway-port", "0", "--api-port", "0", ...flags]);
  await serin.waitForOutput(/^ready[\s\S]*Ctrl-C/m);
  const gatewayPort = Number(/gateway\s+http:\/\/127\.0\.0\.1:(\d+)/.exec(serin.stdout())?.[1]);
  return {
    directory,
    kubeconfig: join(data, "kubeconfig"),
    gatewayPort,
    serin,
    throughGateway: (host, path) => get({ host, path, port: gatewayPort }),
    async close() {
      serin.child.kill("SIGTERM");
      await serin.ended;
      const left = processesNaming(directory);
      rmSync(directory, { recursive: true, force: true });
      expect(left).toEqual([]);
    },
  };
}

function get({ host, path, port }: { host: string; path: string; port: number }): Promise<GatewayAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, headers: { host }, timeout: 10_000 }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.once("error", reject);
    });
    call.once("timeout", () => call.destroy(new Error(`the gateway did not answer GET ${path} for ${host} in 10 s`)));
    call.once("error", reject);
    call.end();
  });
}
