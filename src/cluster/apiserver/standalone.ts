import { join } from "node:path";
import { Failure, silentLog } from "#base";
import { systemClock } from "#kube";
import { openStore } from "../store/index.ts";
import { ensurePki } from "./auth/pki.ts";
import { startApiServer } from "./start-api-server.ts";

const USAGE = "usage: api-server --data-dir DIR [--port PORT] [--kubeconfig FILE]\n";

/**
 * The API server alone: no controllers, no node. It serves the conformance cases and whoever wants to look at the API
 * by itself, until the signal aborts.
 */
export async function apiServerMain(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const options = readArguments(argv);
  if (options === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { directory, port, kubeconfig } = options;
  const pki = await ensurePki(join(directory, "pki"));
  const store = await openStore({ directory: join(directory, "db"), log: silentLog });
  // An address block of its own is for clusters; here nothing listens on the addresses of Services.
  const serviceNetwork = {
    addressCount: 2 ** 16 - 2,
    serviceAddress: (index: number) => `10.96.${(index + 1) >> 8}.${(index + 1) & 255}`,
  };
  const log = env["SERIN_LOG"] === "stderr" ? stderrLog() : silentLog;
  const server = await startApiServer({ store, pki, host: "127.0.0.1", port, serviceNetwork, clock: systemClock, log });
  await server.writeKubeconfig(kubeconfig ?? join(directory, "kubeconfig"));
  process.stdout.write(`${JSON.stringify({ url: server.url, token: server.adminToken })}\n`);
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await server.close();
  await store.close();
  return 0;
}

interface Arguments {
  readonly directory: string;
  readonly port: number;
  readonly kubeconfig: string | undefined;
}

function readArguments(argv: readonly string[]): Arguments | undefined {
  const values = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 2) {
    const [name = "", value] = [argv[index], argv[index + 1]];
    if (!["--data-dir", "--port", "--kubeconfig"].includes(name) || value === undefined) return undefined;
    values.set(name, value);
  }
  const directory = values.get("--data-dir");
  const port = Number(values.get("--port") ?? "0");
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Failure(`--port: must be a number from 0 to 65535, received "${values.get("--port") ?? ""}"`, {
      code: "BadUsage",
    });
  }
  return directory === undefined ? undefined : { directory, port, kubeconfig: values.get("--kubeconfig") };
}

function stderrLog(): typeof silentLog {
  const write =
    (level: string) =>
    (message: string, fields: object = {}) => {
      process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
    };
  const log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: () => log,
  };
  return log;
}
