import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { KubeObject } from "#api";
import { Failure, silentLog } from "#base";
import { type Change, openStore, type Store } from "./index.ts";

const CONFIG_MAPS = "/configmaps";
let directory: string;
let store: Store;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "serin-store-"));
  store = await openStore({ directory, log: silentLog });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

function path(name: string, namespace = "ns"): { collection: string; namespace: string; name: string } {
  return { collection: CONFIG_MAPS, namespace, name };
}

function configMap(name: string, value = "1"): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "ns" }, data: { value } };
}

function write(name: string, value = "1"): Promise<number> {
  return store.transact((transaction) => transaction.put(path(name), configMap(name, value)).revision);
}

async function reopen(historyLimit?: number): Promise<void> {
  await store.close();
  store = await openStore({ directory, log: silentLog, ...(historyLimit === undefined ? {} : { historyLimit }) });
}

test("put: gives every write the next revision and stamps it on the object and its text", async () => {
  const [first, second] = [await write("a"), await write("b")];
  expect(second).toBe(first + 1);
  const stored = store.get(path("b"));
  expect(stored?.object.metadata.resourceVersion).toBe(String(second));
  expect(JSON.parse(stored?.json ?? "")).toEqual(stored?.object);
});

test("transact: is atomic; a throw undoes its writes and does not disturb its neighbours in the batch", async () => {
  const before = store.revision;
  const good = store.transact((transaction) => transaction.put(path("good"), configMap("good")));
  const bad = store.transact((transaction) => {
    transaction.put(path("bad"), configMap("bad"));
    transaction.delete(path("good"));
    throw new Error("changed my mind");
  });
  const after = store.transact((transaction) => transaction.get(path("good"))?.revision);
  await expect(bad).rejects.toThrow("changed my mind");
  expect(await after).toBe((await good).revision);
  expect(store.get(path("bad"))).toBeUndefined();
  expect(store.revision).toBe(before + 1);
});

test("transact: sees its own writes in get and list, in order of names", async () => {
  await write("b");
  const names = await store.transact((transaction) => {
    transaction.put(path("c"), configMap("c"));
    transaction.put(path("a"), configMap("a"));
    transaction.delete(path("b"));
    expect(transaction.get(path("b"))).toBeUndefined();
    return transaction.list(CONFIG_MAPS, "ns").map(({ name }) => name);
  });
  expect(names).toEqual(["a", "c"]);
});

test("transact: a transaction that is kept beyond its work is a bug", async () => {
  const kept = await store.transact((transaction) => transaction);
  expect(() => kept.get(path("a"))).toThrow("must not be used after");
});

test("transact: counters incremented by many at once lose nothing", async () => {
  await write("n", "0");
  const increment = (): Promise<unknown> =>
    store.transact((transaction) => {
      const data = transaction.get(path("n"))?.object["data"] as { value: string };
      return transaction.put(path("n"), configMap("n", String(Number(data.value) + 1)));
    });
  await Promise.all(Array.from({ length: 200 }, increment));
  expect(store.get(path("n"))?.object["data"]).toEqual({ value: "200" });
});

test("list: orders by namespace and name and keeps a namespace apart from one whose name it begins", async () => {
  for (const [namespace, name] of [
    ["b", "x"],
    ["a-b", "y"],
    ["a", "z"],
    ["a", "c"],
  ] as const) {
    await store.transact((transaction) => transaction.put(path(name, namespace), configMap(name)));
  }
  expect(store.list(CONFIG_MAPS, "a").map(({ name }) => name)).toEqual(["c", "z"]);
  expect(store.list(CONFIG_MAPS).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
    "a-b/y",
    "a/c",
    "a/z",
    "b/x",
  ]);
});

test("watch: replays the changes after a revision, then delivers new ones, in order", async () => {
  const from = await write("a");
  await write("a", "2");
  const seen: string[] = [];
  const record = ({ type, current, previous }: Change): void => {
    seen.push(`${type} ${current.name} ${previous === undefined ? "new" : "old"}`);
  };
  const stop = store.watch({ collection: CONFIG_MAPS, afterRevision: from, onChange: record });
  await store.transact((transaction) => transaction.delete(path("a")));
  await write("b");
  stop();
  await write("c");
  expect(seen).toEqual(["put a old", "delete a old", "put b new"]);
});

test("watch: hears only of its collection and namespace, and a watcher that throws harms nobody", async () => {
  const seen: string[] = [];
  store.watch({
    collection: CONFIG_MAPS,
    afterRevision: store.revision,
    onChange: () => {
      throw new Error("broken");
    },
  });
  store.watch({
    collection: CONFIG_MAPS,
    namespace: "other",
    afterRevision: store.revision,
    onChange: ({ current }) => seen.push(current.name),
  });
  await write("a");
  await store.transact((transaction) => transaction.put(path("b", "other"), configMap("b")));
  await store.transact((transaction) =>
    transaction.put({ ...path("c", "other"), collection: "/secrets" }, configMap("c")),
  );
  expect(seen).toEqual(["b"]);
});

test("history: is bounded; a watch or list from before it is Expired", async () => {
  await reopen(3);
  const from = store.revision;
  for (const name of ["a", "b", "c", "d", "e"]) await write(name);
  expect(store.compactedRevision).toBe(from + 2);
  const watch = (revision: number): (() => void) =>
    store.watch({ collection: CONFIG_MAPS, afterRevision: revision, onChange: () => undefined });
  expect(() => watch(from + 1)).toThrow(Failure);
  expect(() => watch(from + 2)).not.toThrow();
  expect(() => store.listAt(from + 1, CONFIG_MAPS)).toThrow(expect.objectContaining({ code: "Expired" }));
});

test("listAt: shows the past: changed, deleted and later objects as they were", async () => {
  await write("changed", "old");
  const then = await write("deleted");
  await write("changed", "new");
  await write("later");
  await store.transact((transaction) => transaction.delete(path("deleted")));
  const past = store.listAt(then, CONFIG_MAPS, "ns");
  expect(past.map(({ name, object }) => [name, object["data"]])).toEqual([
    ["changed", { value: "old" }],
    ["deleted", { value: "1" }],
  ]);
});

test("openStore: finds objects and revision again; watches from before the restart are Expired", async () => {
  await write("a");
  await write("gone");
  const last = await store.transact((transaction) => transaction.delete(path("gone"))?.revision);
  await reopen();
  expect(store.revision).toBe(last);
  expect(store.list(CONFIG_MAPS).map(({ name }) => name)).toEqual(["a"]);
  expect(() =>
    store.watch({ collection: CONFIG_MAPS, afterRevision: (last ?? 0) - 1, onChange: () => undefined }),
  ).toThrow(Failure);
  expect(await write("b")).toBe((last ?? 0) + 1);
});

test("openStore: refuses a directory that another store holds", async () => {
  await expect(openStore({ directory, log: silentLog })).rejects.toMatchObject({ code: "StoreNotOpened" });
});

test("close: finishes what was begun and refuses what comes after", async () => {
  const begun = write("a");
  const closed = store.close();
  await expect(begun).resolves.toBeGreaterThan(0);
  await closed;
  await expect(write("b")).rejects.toMatchObject({ code: "StoreClosed" });
  store = await openStore({ directory, log: silentLog });
  expect(store.list(CONFIG_MAPS).map(({ name }) => name)).toEqual(["a"]);
});
