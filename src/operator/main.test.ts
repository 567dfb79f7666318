import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { flaggerCrds, resources } from "#api";
import { createKubeClient, loadKubeconfig } from "#kube";
import { startTestApiServer } from "#testing";
import { runOperator } from "./main.ts";

/** Runs the operator and collects what it prints, until the text is there. */
async function runUntil(argv: string[], text: string, whileRunning: () => Promise<void> = async () => undefined) {
  const stop = new AbortController();
  const write = process.stdout.write;
  let output = "";
  const found = new Promise<void>((resolve) => {
    process.stdout.write = ((chunk: string) => {
      output += chunk;
      if (output.includes(text)) resolve();
      return true;
    }) as typeof process.stdout.write;
  });
  try {
    const running = runOperator(argv, {}, stop.signal);
    await Promise.race([found, running]);
    await whileRunning();
    stop.abort();
    return { status: await running, output };
  } finally {
    process.stdout.write = write;
  }
}

test("runOperator: says which kinds are missing, waits for them, answers /healthz and /metrics, and ends with 0", async () => {
  const server = await startTestApiServer();
  const client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const argv = ["-kubeconfig", server.kubeconfigPath, "-port=0", "-log-level=debug", "-enable-leader-election"];
  try {
    const missing = await runUntil(argv, "Cannot start yet");
    expect(missing.status).toBe(0);
    expect(missing.output).toContain("canaries.flagger.app/v1beta1 is not served (install Serin's CRDs)");
    expect(missing.output).not.toContain("istio");
    for (const crd of flaggerCrds()) await client.create(resources.customResourceDefinitions, crd);
    const served = await runUntil(argv, '"msg":"operator started"');
    expect(served.status).toBe(0);
    const port = /"port":(\d+),"msg":"operator started"/.exec(served.output)?.[1];
    expect(Number(port)).toBeGreaterThan(0);
  } finally {
    await client.close();
    await server.close();
  }
});

test("runOperator: a port that is taken ends it with 1, a wrong flag with 2", async () => {
  const server = await startTestApiServer();
  const silent = process.stderr.write;
  process.stderr.write = (() => true) as typeof process.stderr.write;
  try {
    const taken = ["-kubeconfig", server.kubeconfigPath, `-port=${server.port}`];
    const { status, output } = await runUntil(taken, "never printed");
    expect(status).toBe(1);
    expect(output).toContain(`Cannot listen on 127.0.0.1:${server.port} for metrics; choose another with -port`);
    expect(await runOperator(["-bogus"], {}, new AbortController().signal)).toBe(2);
    expect(await runOperator(["-mesh-provider=linkerd"], {}, new AbortController().signal)).toBe(2);
    expect(await runOperator(["-log-level=loud"], {}, new AbortController().signal)).toBe(2);
  } finally {
    process.stderr.write = silent;
    await server.close();
  }
});

test("runOperator: -version prints the package's version", async () => {
  const manifest: { version: string } = JSON.parse(await readFile("package.json", "utf8"));
  const { status, output } = await runUntil(["-version"], "serin ");
  expect(status).toBe(0);
  expect(output).toBe(`serin ${manifest.version}\n`);
});
