import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { resources } from "#api";
import { silentLog } from "#base";
import { createInformer, createKubeClient, type KubeClient, loadKubeconfig, systemClock, systemRandom } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { createFurtherViews } from "./further-views.ts";
import { createView } from "./view.ts";

let server: TestApiServer;
let client: KubeClient;
beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
});
afterAll(async () => {
  await client.close();
  await server.close();
});

test("open: who asks while a kind is being opened waits for its first list too, and it is no problem of theirs", async () => {
  const ended = new AbortController();
  const clock = systemClock;
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const open = vi.fn((resource: (typeof resources)["secrets"]) => {
    const ports = { client, clock, random: systemRandom, log: silentLog, signal: ended.signal };
    const view = createView({ client, resource, informer: createInformer({ ...ports, resource }) });
    return { ...view, synced: held.then(() => view.synced) };
  });
  const views = createFurtherViews({ client, clock, log: silentLog, open, isKnown: () => false });
  const first = views.open([resources.secrets]);
  await vi.waitFor(() => expect(open).toHaveBeenCalledOnce());
  const second = views.open([resources.secrets]);
  release();
  expect(await Promise.all([first, second])).toEqual([[], []]);
  expect(open).toHaveBeenCalledOnce();
  ended.abort();
});
