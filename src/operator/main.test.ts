import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { request } from "undici";
import { flaggerCrds, istioCrds, type Lease, resources } from "#api";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { startTestApiServer } from "#testing";
import { runOperator } from "./main.ts";

/** Runs the operator and collects what it prints, until the text is there. */
async function runUntil(
  argv: string[],
  text: string,
  whileRunning: (output: () => string) => Promise<void> = async () => undefined,
) {
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
    await whileRunning(() => output);
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

async function leaseOf(client: KubeClient): Promise<string | undefined> {
  const lease = await client.get<Lease>(resources.leases, {
    namespace: "kube-system",
    name: "flagger-leader-election",
  });
  return lease?.spec?.holderIdentity;
}

test("runOperator: is ready without leading, takes over when the leader ends, and gives the lease back", async () => {
  const server = await startTestApiServer();
  const client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const argv = ["-kubeconfig", server.kubeconfigPath, "-port=0", "-enable-leader-election", "-kubeconfig-qps=500"];
  try {
    for (const crd of [...flaggerCrds(), ...istioCrds()]) await client.create(resources.customResourceDefinitions, crd);
    const lead = '"msg":"leading"';
    const first = await runUntil(argv, lead, async (output) => {
      const standby = new AbortController();
      const holder = await leaseOf(client);
      expect(holder).toMatch(/_/);
      const before = output().length;
      const second = runOperator(argv, {}, standby.signal);
      const portOf = (): string | undefined =>
        /"port":(\d+),"msg":"operator started"/.exec(output().slice(before))?.[1];
      while (portOf() === undefined) await nextTurn();
      const url = `http://127.0.0.1:${portOf()}`;
      while ((await ask(`${url}/readyz`)).status !== 200) await nextTurn();
      const metrics = (await ask(`${url}/metrics`)).text;
      expect(metrics).toContain("\nserin_leader 0");
      expect(metrics).toMatch(/serin_informer_lists_total\{resource="canaries"\} 1/);
      expect(metrics).toMatch(/serin_kube_requests_total\{verb="list",resource="canaries",code="200"\}/);
      expect((await ask(`${url}/healthz`)).status).toBe(200);
      expect(await leaseOf(client)).toBe(holder);
      standby.abort();
      expect(await second).toBe(0);
    });
    expect(first.status).toBe(0);
    expect(first.output).toContain('"msg":"lease given back"');
    expect(first.output).toContain(`"credentials":"kubeconfig \\"${server.kubeconfigPath}\\", context`);
    expect(first.output).not.toContain(server.token);
    expect(await leaseOf(client)).toBe("");
    expect((await runUntil(argv, lead)).status).toBe(0);
  } finally {
    await client.close();
    await server.close();
  }
});

test("runOperator: ends with 1 when it loses the lease", async () => {
  const server = await startTestApiServer();
  const client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
  const argv = ["-kubeconfig", server.kubeconfigPath, "-port=0", "-enable-leader-election"];
  try {
    for (const crd of [...flaggerCrds(), ...istioCrds()]) await client.create(resources.customResourceDefinitions, crd);
    const lost = runUntil(argv, "never printed");
    while (!(await leaseOf(client))) await nextTurn();
    // Another writes itself into the lease, as nobody should; no renewal succeeds from then on.
    const body = { spec: { holderIdentity: "other", leaseDurationSeconds: 600 } };
    const key = { namespace: "kube-system", name: "flagger-leader-election" };
    await client.patch(resources.leases, key, { kind: "merge", body });
    const { status, output } = await lost;
    expect(status).toBe(1);
    expect(output).toContain('"msg":"lease lost: no renewal succeeded in time"');
    expect(await leaseOf(client)).toBe("other");
  } finally {
    await client.close();
    await server.close();
  }
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

async function ask(url: string): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(url);
  return { status: statusCode, text: await body.text() };
}

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
