import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type KubeObject, resources } from "#api";
import { seededRandom, silentLog } from "#base";
import { createKubeClient } from "./create-client.ts";
import { createInformer } from "./informer.ts";
import type { Informer } from "./ports.ts";
import {
  answer,
  createFastClock,
  fastClock,
  type ScriptedServer,
  type SeenRequest,
  startScriptedServer,
  statusBody,
} from "./scripted-server.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function pod(name: string, resourceVersion: number, uid = name): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      uid,
      resourceVersion: String(resourceVersion),
      managedFields: [{ manager: "x" }],
    },
  };
}

function page(resourceVersion: number, items: readonly KubeObject[], next?: string): unknown {
  return {
    metadata: { resourceVersion: String(resourceVersion), ...(next === undefined ? {} : { continue: next }) },
    items,
  };
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

const isWatch = (request: SeenRequest): boolean => request.url.searchParams.get("watch") === "true";

async function informerOf(
  script: (request: SeenRequest, response: ServerResponse, watchIndex: number) => void,
  clock = fastClock,
): Promise<{
  informer: Informer<KubeObject>;
  server: ScriptedServer;
  until: (names: string) => Promise<void>;
  log: string[];
}> {
  let watchCount = 0;
  const server = await startScriptedServer((request, response) =>
    script(request, response, isWatch(request) ? watchCount++ : watchCount),
  );
  const client = createKubeClient(
    { server: server.url, namespace: "", credentials: { kind: "none" } },
    { clock: fastClock },
  );
  const ended = new AbortController();
  const informer = createInformer<KubeObject>({
    client,
    resource: resources.pods,
    signal: ended.signal,
    clock,
    log: silentLog,
    random: seededRandom(1),
  });
  const log: string[] = [];
  informer.onChange(() => {
    throw new Error("a handler that fails");
  });
  informer.onChange(({ type, object }) => log.push(`${type} ${object.metadata.name}`));
  cleanups.push(async () => {
    ended.abort();
    await client.close();
    await server.close();
  });
  const names = (): string =>
    informer
      .list()
      .map((object) => `${object.metadata.name}@${object.metadata.resourceVersion}`)
      .join(" ");
  const until = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (names() === wanted) resolve();
      };
      // A change is told before the next one is applied, so the state after the last is seen in its own turn.
      informer.onChange(() => check());
      check();
    });
  return { informer, server, until, log };
}

test("createInformer lists in pages, drops managedFields, then follows the watch", async () => {
  const { informer, server, until, log } = await informerOf((request, response, watchIndex) => {
    if (isWatch(request)) {
      if (watchIndex > 0) return;
      response.write(line("MODIFIED", pod("a", 11)) + line("ADDED", pod("c", 12)).slice(0, 30));
      // The rest of a line arrives in a later packet.
      setImmediate(() => response.write(line("ADDED", pod("c", 12)).slice(30) + line("DELETED", pod("b", 13))));
      return;
    }
    if (request.url.searchParams.get("continue") === "next") answer(response, 200, page(10, [pod("b", 2)]));
    else answer(response, 200, page(10, [pod("a", 1)], "next"));
  });
  await informer.synced;
  await until("a@11 c@12");
  expect(informer.get({ namespace: "shop", name: "a" })?.metadata.managedFields).toBeUndefined();
  expect(log).toEqual(["added a", "added b", "modified a", "added c", "deleted b"]);
  const queries = server.seen.map((one) => Object.fromEntries(one.url.searchParams));
  expect(queries[0]).toEqual({ resourceVersion: "0", limit: "500" });
  expect(queries[1]).toEqual({ continue: "next", limit: "500" });
  expect(queries[2]).toMatchObject({ watch: "true", allowWatchBookmarks: "true", resourceVersion: "10" });
});

test("createInformer resumes from the last version after every way in which a watch can break", async () => {
  const breaks: ((response: ServerResponse) => void)[] = [
    (response) => response.end(line("ADDED", pod("a", 11))),
    (response) => response.socket?.destroy(),
    (response) => answer(response, 500, "no leader"),
    (response) => {
      response.write(line("ADDED", pod("b", 12)) + line("ADDED", pod("lost", 13)).slice(0, 40));
      setTimeout(() => response.socket?.destroy(), 5);
    },
    (response) => response.end("<html>what</html>\n"),
    (response) => response.end(line("BOOKMARK", { kind: "Pod", metadata: { resourceVersion: "20" } })),
    (response) => response.end(line("ERROR", statusBody(500, "InternalError"))),
    (response) => response.end(line("ADDED", { metadata: {} })),
    (response) => void response.write(line("ADDED", pod("c", 21))),
  ];
  const { server, until } = await informerOf((request, response, watchIndex) => {
    if (isWatch(request)) breaks[watchIndex]?.(response);
    else answer(response, 200, page(10, []));
  });
  await until("a@11 b@12 c@21");
  const versions = server.seen.filter(isWatch).map((one) => one.url.searchParams.get("resourceVersion"));
  expect(versions).toEqual(["10", "11", "11", "11", "12", "12", "20", "20", "20"]);
  expect(server.seen.filter((one) => !isWatch(one))).toHaveLength(1);
});

test.each([
  ["an ERROR event 410", (response: ServerResponse) => response.end(line("ERROR", statusBody(410, "Expired")))],
  ["an answer 410", (response: ServerResponse) => answer(response, 410, statusBody(410, "Expired"))],
])("createInformer lists again from the newest after %s and tells what changed meanwhile", async (_, expire) => {
  let listCount = 0;
  const { server, until, log } = await informerOf((request, response, watchIndex) => {
    if (isWatch(request)) {
      if (watchIndex === 0) expire(response);
      return;
    }
    listCount++;
    if (listCount === 1)
      answer(response, 200, page(10, [pod("a", 1), pod("b", 2), pod("same", 3), pod("again", 4, "old")]));
    else answer(response, 200, page(30, [pod("b", 22), pod("same", 3), pod("again", 24, "new"), pod("d", 25)]));
  });
  await until("b@22 same@3 again@24 d@25");
  expect(log.slice(4)).toEqual(["deleted a", "modified b", "deleted again", "added again", "added d"]);
  expect(server.seen.filter((one) => !isWatch(one)).map((one) => one.url.searchParams.get("resourceVersion"))).toEqual([
    "0",
    "",
  ]);
});

test("createInformer survives lists that fail and starts the pages over when a continue token expires", async () => {
  let listCount = 0;
  const { server, until } = await informerOf((request, response) => {
    if (isWatch(request)) return;
    listCount++;
    if (listCount === 1) answer(response, 503, "starting");
    else if (listCount === 2) answer(response, 200, page(5, [pod("gone", 1)], "next"));
    else if (listCount === 3) answer(response, 410, statusBody(410, "Expired"));
    else if (listCount === 4) answer(response, 200, "{]");
    else answer(response, 200, page(9, [pod("a", 8)]));
  });
  await until("a@8");
  expect(server.seen.filter((one) => !isWatch(one))).toHaveLength(5);
});

test("createInformer cuts a watch that stays silent beyond its time, and opens another", async () => {
  const { until, server } = await informerOf((request, response, watchIndex) => {
    if (!isWatch(request)) answer(response, 200, page(10, []));
    else if (watchIndex > 0) response.write(line("ADDED", pod("a", 11)));
    else response.writeHead(200).flushHeaders();
  }, createFastClock(5000));
  await until("a@11");
  expect(server.seen.filter(isWatch)).toHaveLength(2);
});
