import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flaggerCrds, istioCrds } from "#api";
import { startTestApiServer, type TestApiServer } from "#testing";

/** The image, without a container: exactly the files that the Dockerfile's last stage copies, in an empty directory. */

const dockerfile = readFileSync("deploy/Dockerfile", "utf8");
const finalStage = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));

let server: TestApiServer;
let directory: string;

beforeAll(async () => {
  server = await startTestApiServer();
  directory = mkdtempSync(join(tmpdir(), "serin-image-"));
  const copies = [...finalStage.matchAll(/^COPY --from=build \/src\/(\S+) (\S+)$/gm)];
  expect(copies.length).toBe([...finalStage.matchAll(/^COPY /gm)].length);
  for (const [, from = "", to = ""] of copies) cpSync(from, join(directory, to));
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

test("the image: runs as a number that is not root, and every path of its entry point is in it", () => {
  expect(finalStage).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  expect(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(finalStage)?.[1] ?? "[]")[0]).toBe("node");
});

test("the image's files alone: the operator starts, waits for its kinds, works, and ends with 0 on SIGTERM", async () => {
  const entrypoint: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(finalStage)?.[1] ?? "[]");
  const args = [...entrypoint.slice(1), "-kubeconfig", server.kubeconfigPath, "-port=0", "-log-level=info"];
  const child = spawn(process.execPath, args, { cwd: directory, env: {}, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const until = async (text: string): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the operator ended before it said "${text}"`);
      if (String(value).includes(text)) return String(value);
    }
  };
  try {
    const started: { port: number } = JSON.parse(await until("operator started"));
    await until("Cannot start yet");
    expect((await fetch(`http://127.0.0.1:${started.port}/readyz`)).status).toBe(503);
    for (const crd of [...flaggerCrds(), ...istioCrds()]) {
      const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      expect((await server.call({ method: "POST", path, body: crd })).code).toBe(201);
    }
    const path = "/apis/flagger.app/v1beta1/namespaces/default/canaries";
    const body = {
      apiVersion: "flagger.app/v1beta1",
      kind: "Canary",
      metadata: { name: "web" },
      spec: {
        targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
        service: { port: 80 },
        analysis: { interval: "30s", threshold: 1, stepWeight: 50 },
      },
    };
    await expect
      .poll(async () => (await server.call({ method: "POST", path, body })).code, { timeout: 10_000 })
      .toBe(201);
    await until("web.default");
    expect((await fetch(`http://127.0.0.1:${started.port}/readyz`)).status).toBe(200);
    const metrics = await fetch(`http://127.0.0.1:${started.port}/metrics`);
    expect(await metrics.text()).toContain("flagger_info");
  } finally {
    child.kill("SIGTERM");
  }
  const [status] = await once(child, "exit");
  expect(status).toBe(0);
});
