import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type KubeObject, resources } from "#api";
import { type Random, seededRandom, silentLog } from "#base";
import { createKubeClient } from "./create-client.ts";
import { createInformer } from "./informer.ts";
import { answer, createFastClock, type SeenRequest, startScriptedServer, statusBody } from "./scripted-server.ts";

/**
 * A server that keeps real objects and breaks in every way by chance: watches cut within a line, garbage, 410 by event and
 * by answer, 429 and 500, pages that expire, slow and missing answers. Whatever happens, the copy ends up the same.
 */

const RUN_COUNT = 12;
const CHANGE_COUNT = 60;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  readonly version: number;
}

/** Objects with their history; versions before `forgottenVersion` have expired. */
function createModel(random: Random) {
  const objects = new Map<string, KubeObject>();
  const history: Change[] = [];
  const listeners = new Set<(change: Change) => void>();
  let version = 100;
  return {
    objects,
    history,
    listeners,
    forgottenVersion: 100,
    get version() {
      return version;
    },
    change(): void {
      version += 1;
      const name = `o${Math.floor(random.next() * 12)}`;
      const old = objects.get(name);
      const metadata = {
        name,
        namespace: "shop",
        uid: old?.metadata.uid ?? `${name}-${version}`,
        resourceVersion: `${version}`,
      };
      const object: KubeObject = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, managedFields: [{}] } };
      const isGone = old !== undefined && random.next() < 0.4;
      if (isGone) objects.delete(name);
      else objects.set(name, object);
      const change = { type: isGone ? "DELETED" : old === undefined ? "ADDED" : "MODIFIED", object, version } as const;
      history.push(change);
      for (const tell of listeners) tell(change);
    },
  };
}

type Model = ReturnType<typeof createModel>;

function lineOf(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function serveList(model: Model, request: SeenRequest, response: ServerResponse): void {
  const all = [...model.objects.values()];
  const start = Number(request.url.searchParams.get("continue")?.split("@")[0] ?? 0);
  const of = Number(request.url.searchParams.get("continue")?.split("@")[1] ?? model.version);
  // Pages of one list show one version; here a list that was overtaken expires.
  if (of !== model.version) return answer(response, 410, statusBody(410, "Expired"));
  const next = start + 5 < all.length ? { continue: `${start + 5}@${of}` } : {};
  answer(response, 200, { metadata: { resourceVersion: String(of), ...next }, items: all.slice(start, start + 5) });
}

function serveWatch(
  model: Model,
  { request, response, random }: { request: SeenRequest; response: ServerResponse; random: Random },
) {
  const from = Number(request.url.searchParams.get("resourceVersion"));
  if (from < model.forgottenVersion) {
    const gone = statusBody(410, "Expired");
    if (random.next() < 0.5) return answer(response, 410, gone);
    return response.writeHead(200).end(lineOf("ERROR", gone));
  }
  response.writeHead(200).flushHeaders();
  const send = (change: Change): void => {
    const line = lineOf(change.type, change.object);
    if (random.next() < 0.9) return void response.write(line);
    model.listeners.delete(send);
    const way = random.next();
    if (way < 0.4)
      response.write(line.slice(0, Math.floor(random.next() * line.length)), () => response.socket?.destroy());
    else if (way < 0.6) response.end();
    else if (way < 0.8) response.end("<html>gateway</html>\n");
    else response.end(lineOf("BOOKMARK", { kind: "Pod", metadata: { resourceVersion: String(change.version - 1) } }));
  };
  for (const change of model.history) if (change.version > from && !response.writableEnded) send(change);
  if (response.writableEnded || response.destroyed) return;
  model.listeners.add(send);
  response.on("close", () => model.listeners.delete(send));
}

test.each(Array.from({ length: RUN_COUNT }, (_, seed) => seed))(
  "createInformer ends with what the server has, and tells each change so that a listener could rebuild it (seed %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const model = createModel(random);
    for (let index = 0; index < 20; index++) model.change();
    let isCalm = false;
    const server = await startScriptedServer((request, response) => {
      const chance = isCalm ? 1 : random.next();
      if (chance < 0.06) return void response.socket?.destroy();
      if (chance < 0.12) return answer(response, 500, "broken");
      if (chance < 0.15) return void response.writeHead(429, { "retry-after": "1" }).end("{}");
      const isWatch = request.url.searchParams.get("watch") === "true";
      const serve = (): void =>
        isWatch ? void serveWatch(model, { request, response, random }) : serveList(model, request, response);
      if (chance < 0.3) setTimeout(serve, 5);
      else serve();
    });
    const clock = createFastClock(400);
    const client = createKubeClient({ server: server.url, namespace: "", credentials: { kind: "none" } }, { clock });
    const ended = new AbortController();
    const informer = createInformer<KubeObject>({
      client,
      resource: resources.pods,
      signal: ended.signal,
      clock,
      log: silentLog,
      random: seededRandom(seed),
    });
    cleanups.push(async () => {
      ended.abort();
      await client.close();
      await server.close();
    });
    const told = new Map<string, string | undefined>();
    informer.onChange(({ type, object }) => {
      if (type === "deleted") told.delete(object.metadata.name ?? "");
      else told.set(object.metadata.name ?? "", object.metadata.resourceVersion);
    });
    for (let index = 0; index < CHANGE_COUNT; index++) {
      model.change();
      if (random.next() < 0.05) model.forgottenVersion = model.version;
      if (random.next() < 0.3) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    isCalm = true;
    await informer.synced;
    const wanted = [...model.objects.values()]
      .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
      .toSorted();
    const seen = (): string[] =>
      informer
        .list()
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .toSorted();
    await expect.poll(seen, { timeout: 10_000, interval: 5 }).toEqual(wanted);
    expect([...told].map(([name, version]) => `${name}@${version}`).toSorted()).toEqual(wanted);
    expect(informer.list().every(({ metadata }) => metadata.managedFields === undefined)).toBe(true);
  },
);

test("createInformer keeps what the transform makes of objects, asks with its selectors, and survives a transform that fails", async () => {
  const pod = (name: string, resourceVersion: string): KubeObject & { spec: unknown } => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", resourceVersion },
    spec: { large: true },
  });
  const server = await startScriptedServer((request, response) => {
    if (request.url.searchParams.get("watch") !== "true") {
      answer(response, 200, { metadata: { resourceVersion: "5" }, items: [pod("a", "1"), pod("bad", "2")] });
    } else response.write(lineOf("ADDED", pod("bad", "6")) + lineOf("ADDED", pod("c", "7")));
  });
  const client = createKubeClient({ server: server.url, namespace: "", credentials: { kind: "none" } });
  const ended = new AbortController();
  cleanups.push(async () => {
    ended.abort();
    await client.close();
    await server.close();
  });
  const informer = createInformer<KubeObject>({
    client,
    resource: resources.pods,
    namespace: "shop",
    labelSelector: "app=web",
    fieldSelector: "metadata.name!=x",
    transform(object) {
      if (object.metadata.name === "bad") throw new Error("cannot read it");
      const { apiVersion, kind, metadata } = object;
      return { apiVersion, kind, metadata };
    },
    signal: ended.signal,
    clock: createFastClock(1),
    log: silentLog,
    random: seededRandom(1),
  });
  await expect
    .poll(() => informer.list(), { interval: 2 })
    .toEqual([
      { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "shop", resourceVersion: "1" } },
      { apiVersion: "v1", kind: "Pod", metadata: { name: "c", namespace: "shop", resourceVersion: "7" } },
    ]);
  for (const { url } of server.seen) {
    expect(url.pathname).toBe("/api/v1/namespaces/shop/pods");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      labelSelector: "app=web",
      fieldSelector: "metadata.name!=x",
    });
  }
});
