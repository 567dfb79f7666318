import { request } from "node:https";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isObject } from "#base";
import { createVirtualClock, startTestApiServer, type TestApiServer } from "#testing";

const clock = createVirtualClock();
const PATH = "/api/v1/namespaces/default/configmaps";
const MERGE = { "content-type": "application/merge-patch+json" };
let server: TestApiServer;

beforeAll(async () => {
  server = await startTestApiServer({ clock });
});

afterAll(() => server.close());

interface Watching {
  /** Resolves with the first `count` events, as `TYPE name`. */
  events(count: number): Promise<readonly string[]>;
  readonly raw: readonly Record<string, unknown>[];
  readonly ended: Promise<void>;
  stop(): void;
}

function watch(query: string, headers: Record<string, string> = {}): Promise<Watching> {
  const raw: Record<string, unknown>[] = [];
  let wake = (): void => undefined;
  let rest = "";
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port: server.port,
      ca: server.caPem,
      agent: false,
      path: `${PATH}?watch=1&${query}`,
      headers: { authorization: `Bearer ${server.token}`, ...headers },
    });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      const ended = new Promise<void>((end) => response.on("close", end));
      response.on("error", () => undefined);
      response.setEncoding("utf8").on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) raw.push(JSON.parse(line) as Record<string, unknown>);
        wake();
      });
      const events = async (count: number): Promise<readonly string[]> => {
        while (raw.length < count) await new Promise<void>((next) => (wake = next));
        return raw.slice(0, count).map(describe);
      };
      resolve({ events, raw, ended, stop: () => outgoing.destroy() });
    });
    outgoing.end();
  });
}

function describe(event: Record<string, unknown>): string {
  const metadata =
    isObject(event["object"]) && isObject(event["object"]["metadata"]) ? event["object"]["metadata"] : {};
  return `${String(event["type"])} ${typeof metadata["name"] === "string" ? metadata["name"] : ""}`.trim();
}

function create(name: string, labels: Record<string, string> = {}): Promise<unknown> {
  return server.call({ method: "POST", path: PATH, body: { metadata: { name, labels } } });
}

function label(name: string, value: string | null): Promise<unknown> {
  return server.call({
    method: "PATCH",
    path: `${PATH}/${name}`,
    body: { metadata: { labels: { team: value } } },
    headers: MERGE,
  });
}

function remove(name: string): Promise<unknown> {
  return server.call({ method: "DELETE", path: `${PATH}/${name}` });
}

test("watch: without a version, first the objects there are, then their changes", async () => {
  await create("there", { set: "first" });
  const watching = await watch("labelSelector=set=first");
  await create("new", { set: "first" });
  await remove("there");
  expect(await watching.events(3)).toEqual(["ADDED there", "ADDED new", "DELETED there"]);
  watching.stop();
});

test("watch: an object that comes to match is added, one that no longer does is deleted", async () => {
  const watching = await watch(`resourceVersion=${server.store.revision}&labelSelector=team=a`);
  await create("mover", { team: "b" });
  await label("mover", "a");
  await label("mover", null);
  await label("mover", "a");
  await remove("mover");
  expect(await watching.events(4)).toEqual(["ADDED mover", "DELETED mover", "ADDED mover", "DELETED mover"]);
  watching.stop();
});

test("watch: from a version, every later change exactly once, however the subscription falls between the writes", async () => {
  const from = server.store.revision;
  const names = Array.from({ length: 40 }, (_, index) => `burst-${index}`);
  const writes = Promise.all(names.map((name) => create(name, { set: "burst" })));
  const watchers = await Promise.all(
    Array.from({ length: 5 }, () => watch(`resourceVersion=${from}&labelSelector=set=burst`)),
  );
  await writes;
  for (const watching of watchers) {
    expect([...(await watching.events(names.length))].sort()).toEqual(names.map((name) => `ADDED ${name}`).sort());
    watching.stop();
  }
});

test("watch-list: the state, then a bookmark that says so, then changes", async () => {
  await create("listed", { set: "wl" });
  const watching = await watch(
    "labelSelector=set=wl&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
  );
  expect(await watching.events(2)).toEqual(["ADDED listed", "BOOKMARK"]);
  expect(watching.raw[1]).toMatchObject({
    object: { kind: "ConfigMap", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
  });
  await remove("listed");
  expect((await watching.events(3))[2]).toBe("DELETED listed");
  watching.stop();
});

test("bookmarks: come every minute to those who allow them, with the newest version", async () => {
  const watching = await watch(
    `resourceVersion=${server.store.revision}&labelSelector=set=none&allowWatchBookmarks=true`,
  );
  await create("elsewhere");
  await clock.advance(60_000);
  await watching.events(1);
  expect(watching.raw[0]).toMatchObject({
    type: "BOOKMARK",
    object: { metadata: { resourceVersion: String(server.store.revision) } },
  });
  watching.stop();
});

test("timeoutSeconds: the server ends the watch", async () => {
  const watching = await watch("timeoutSeconds=7&labelSelector=set=none");
  await clock.advance(7_000);
  await expect(watching.ended).resolves.toBeUndefined();
});

test("watch: Tables carry their columns once, and metadata alone when asked for", async () => {
  const tables = await watch("labelSelector=set=table", { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
  const partial = await watch("labelSelector=set=table", {
    accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
  });
  await create("t1", { set: "table" });
  await create("t2", { set: "table" });
  await tables.events(2);
  expect(tables.raw[0]).toMatchObject({ object: { kind: "Table", columnDefinitions: [{ name: "Name" }, {}, {}] } });
  expect(tables.raw[1]).toMatchObject({
    object: { columnDefinitions: null, rows: [{ cells: ["t2", 0, expect.any(String)] }] },
  });
  await partial.events(1);
  expect(partial.raw[0]).toMatchObject({ object: { kind: "PartialObjectMetadata", metadata: { name: "t1" } } });
  tables.stop();
  partial.stop();
});

test("watch: a version before the history is 410 Expired, one that does not exist yet a timeout", async () => {
  await server.restart();
  const reply = await server.call({ path: `${PATH}?watch=1&resourceVersion=1` });
  expect(reply.json).toMatchObject({ code: 410, reason: "Expired" });
  expect((await server.call({ path: `${PATH}?watch=1&resourceVersion=999999999` })).json).toMatchObject({
    code: 504,
    reason: "Timeout",
  });
});

test("watch: a state and a history larger than what is held for a slow reader get to it all the same", async () => {
  const data = { filler: "x".repeat(700_000) };
  const names = Array.from({ length: 30 }, (_, index) => `large-${index}`);
  const from = server.store.revision;
  for (const name of names)
    await server.call({ method: "POST", path: PATH, body: { metadata: { name, labels: { set: "large" } }, data } });
  for (const query of ["", `&resourceVersion=${from}`]) {
    const watching = await watch(`labelSelector=set=large${query}`);
    expect([...(await watching.events(names.length))].sort()).toEqual(names.map((name) => `ADDED ${name}`).sort());
    watching.stop();
  }
});

test("watch: a reader that takes nothing is cut off, and the writers do not wait for it", async () => {
  const socket = connect({ host: "127.0.0.1", port: server.port, ca: server.caPem }, () => {
    socket.write(
      `GET ${PATH}?watch=1&resourceVersion=${server.store.revision} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\n\r\n`,
    );
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.once("readable", resolve));
  const data = { filler: "x".repeat(1_000_000) };
  await create("huge");
  for (let round = 0; round < 60 && !socket.destroyed; round++) {
    await server.call({
      method: "PATCH",
      path: `${PATH}/huge`,
      body: { data: { ...data, round: String(round) } },
      headers: MERGE,
    });
  }
  socket.resume();
  await expect(closed).resolves.toBeUndefined();
});

test("close: ends watches instead of waiting for them", async () => {
  const watching = await watch("labelSelector=set=none");
  await server.restart();
  await expect(watching.ended).resolves.toBeUndefined();
});
