import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { messageOf, silentLog } from "#base";
import { createKubeClient, systemClock, systemRandom } from "#kube";
import { ensurePki, type ServiceNetwork, startApiServer } from "../src/cluster/apiserver/index.ts";
import { startControllers } from "../src/cluster/controllers/index.ts";
import { openStore } from "../src/cluster/store/index.ts";

/**
 * `npm run conformance:kube -- [DIR] [flags of run.mjs]`: starts an API server with the built-in controllers and no node, lets the
 * folder's runner ask it what real servers were asked, prints each failure and, as the last line, `N passed, N failed`.
 */

const DEFAULT_DIRECTORY = "../shared/conformance/kube";
/** Shorter than on a cluster, since cases wait for the autoscaler's verdict. */
const AUTOSCALE_INTERVAL_MS = 2000;
/** kubectl starts often; more at a time than this only makes cases run into their own timeouts. */
const JOBS = "3";

/** Addresses as the recorded servers gave them; nothing listens there. */
const serviceNetwork: ServiceNetwork = {
  addressCount: 65_534,
  serviceAddress: (index) => `10.96.${(index + 1) >> 8}.${(index + 1) & 255}`,
};

interface Server {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

async function startServer(directory: string): Promise<Server> {
  const log = silentLog;
  const ended = new AbortController();
  const pki = await ensurePki(join(directory, "pki"));
  const store = await openStore({ directory: join(directory, "db"), log });
  const server = await startApiServer({
    store,
    pki,
    host: "127.0.0.1",
    port: 0,
    serviceNetwork,
    clock: systemClock,
    log,
  });
  const client = createKubeClient({
    server: server.url,
    namespace: "default",
    caPem: pki.caPem,
    credentials: { kind: "token", token: server.adminToken },
  });
  const controllers = startControllers({
    client,
    clock: systemClock,
    log,
    random: systemRandom,
    signal: ended.signal,
    caPem: pki.caPem,
    autoscaleIntervalMs: AUTOSCALE_INTERVAL_MS,
  });
  await controllers.synced;
  return {
    url: server.url,
    token: server.adminToken,
    async close() {
      ended.abort();
      await controllers.close();
      await client.close();
      await server.close();
      await store.close();
    },
  };
}

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Runs the folder's own runner and prints all of its output but the successes. */
async function runCases(runner: string, server: Server, flags: readonly string[]): Promise<Tally> {
  const args = [runner, "check", "--server", server.url, "--token", server.token, "-j", JOBS, "-v", ...flags];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const tally = { passed: 0, failed: 0 };
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("ok ")) tally.passed += 1;
    else if (!/^\d+ passed, \d+ failed/.test(line)) console.log(line);
    if (line.startsWith("FAIL ")) tally.failed += 1;
  }
  return tally;
}

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  const hasDirectory = first !== undefined && !first.startsWith("-");
  const runner = resolve(hasDirectory ? first : DEFAULT_DIRECTORY, "run.mjs");
  if (!existsSync(runner)) {
    console.log(`cannot find ${runner}; name the folder of the cases as the first argument`);
    process.exitCode = 2;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "serin-conformance-"));
  try {
    const server = await startServer(directory);
    try {
      const tally = await runCases(runner, server, hasDirectory ? rest : process.argv.slice(2));
      console.log(`${tally.passed} passed, ${tally.failed} failed`);
      if (tally.failed > 0 || tally.passed === 0) process.exitCode = 1;
    } finally {
      await server.close();
    }
  } catch (thrown) {
    console.log(`cannot run the cases: ${messageOf(thrown)}`);
    process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
