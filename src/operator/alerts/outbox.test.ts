import { expect, onTestFinished, test } from "vitest";
import { type Clock, type Random, silentLog } from "#base";
import { createOutboundHttp } from "../gates/index.ts";
import { startLocalServer } from "../local-server.ts";
import type { Letter } from "./deliver.ts";
import { admit, createOutbox } from "./outbox.ts";

const noJitter: Random = { next: () => 0 };

function letter(url: string, body: string, isTerminal = false): Letter {
  const receiver = { key: "a", type: "slack", address: url, token: "", channel: "", username: "", proxy: "" } as const;
  return { receiver, request: { url, body }, canaryRef: "web.shop", isTerminal };
}

/** Time in which an attempt has to end; nothing else waits so long here. */
const TIMEOUT_MS = 5000;

/** A clock on which every wait is over at once and is noted; the end of an attempt comes only when told to. */
function createHastyClock() {
  let nowMs = 0;
  const waits: number[] = [];
  const deadlines = new Set<() => void>();
  const clock: Clock = {
    nowMs: () => nowMs,
    after(delayMs, callback) {
      if (delayMs === TIMEOUT_MS) {
        deadlines.add(callback);
        return () => deadlines.delete(callback);
      }
      nowMs += delayMs;
      waits.push(delayMs);
      queueMicrotask(callback);
      return () => undefined;
    },
  };
  const endAttempts = () => {
    for (const callback of deadlines) callback();
  };
  return { clock, waits, deadlines, endAttempts, pass: (ms: number) => void (nowMs += ms) };
}

async function start(answer: Parameters<typeof startLocalServer>[0]) {
  const server = await startLocalServer(answer);
  const http = createOutboundHttp({});
  const hasty = createHastyClock();
  const stop = new AbortController();
  const errors: unknown[] = [];
  const log = {
    ...silentLog,
    warn: (_: string, fields?: Readonly<Record<string, unknown>>) => void errors.push(fields?.error),
  };
  const ports = { http, clock: hasty.clock, random: noJitter, log };
  const outbox = createOutbox({ ...ports, stopping: stop.signal, givenUp: new AbortController().signal });
  onTestFinished(async () => {
    await http.close();
    await server.close();
  });
  return {
    ...hasty,
    errors,
    outbox,
    stop: () => stop.abort(),
    send: (...bodies: string[]) => {
      for (const body of bodies) outbox.add(letter(server.url, body));
    },
    bodies: () => server.requests.map(({ body }) => JSON.parse(body)),
  };
}

test("outbox: five at once, then one each second, in order", async () => {
  const { send, outbox, waits, bodies, pass } = await start((response) => response.end());
  send("1", "2", "3", "4", "5", "6", "7");
  await outbox.sending();
  expect(waits).toEqual([1000, 1000]);
  expect(bodies()).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
  pass(4999);
  expect(outbox.isLikeNew()).toBe(false);
  pass(1);
  expect(outbox.isLikeNew()).toBe(true);
});

test("outbox: tries five times, after 1, 2, 4 and 8 s, and goes on with the next", async () => {
  const { send, outbox, waits, bodies, errors } = await start((response, { body }) =>
    response.writeHead(body === '"bad"' ? 503 : 200).end("down"),
  );
  send("bad", "good");
  await outbox.sending();
  expect(waits).toEqual([1000, 2000, 4000, 8000]);
  expect(bodies()).toEqual(["bad", "bad", "bad", "bad", "bad", "good"]);
  expect(errors).toEqual(["it answered 503: down"]);
});

test.each([
  ["20", 20_000],
  ["3600", 60_000],
])("outbox: a Retry-After of %s s is waited for %i ms", async (seconds, waitMs) => {
  const { send, outbox, waits, bodies, errors } = await start((response, { count }) =>
    response.writeHead(count === 1 ? 429 : 200, { "retry-after": seconds }).end(),
  );
  send("1");
  await outbox.sending();
  expect(waits).toEqual([waitMs]);
  expect(bodies()).toEqual(["1", "1"]);
  expect(errors).toEqual([]);
});

test("outbox: a message that is refused is not sent again, nor one that Slack's API refuses with 200", async () => {
  const { send, outbox, bodies, errors } = await start((response, { count }) =>
    response.writeHead(count === 1 ? 404 : 200).end('{"ok":false,"error":"channel_not_found"}'),
  );
  send("1", "2");
  await outbox.sending();
  expect(bodies()).toEqual(["1", "2"]);
  expect(errors).toEqual([
    'it answered 404: {"ok":false,"error":"channel_not_found"}',
    'it answered 200: {"ok":false,"error":"channel_not_found"}',
  ]);
});

test("outbox: an attempt that ends without an answer after 5 s is made again", async () => {
  const { send, outbox, waits, bodies, endAttempts } = await start((response, { count }) => {
    if (count > 1) response.end();
  });
  send("1");
  await expect.poll(bodies, { timeout: 20_000 }).toHaveLength(1);
  endAttempts();
  await outbox.sending();
  expect(waits).toEqual([1000]);
  expect(bodies()).toEqual(["1", "1"]);
});

test("outbox: no deadline is left behind", async () => {
  const { send, outbox, deadlines } = await start((response) => response.end());
  send("1", "2");
  await outbox.sending();
  expect(deadlines.size).toBe(0);
});

test("outbox: when the operator ends, what waits is sent at once and tried once", async () => {
  const { send, outbox, waits, bodies, errors, stop } = await start((response, { body }) =>
    response.writeHead(body === '"8"' ? 500 : 200).end("no"),
  );
  send("1", "2", "3", "4", "5", "6", "7", "8");
  stop();
  await outbox.sending();
  expect(waits).toEqual([]);
  expect(bodies()).toHaveLength(8);
  expect(errors).toEqual(["it answered 500: no"]);
});

test("admit: of too many the oldest goes that is not terminal, terminal ones only among themselves", () => {
  const usual = (body: string) => letter("https://chat.test", body);
  const last = (body: string) => letter("https://chat.test", body, true);
  const bodies = ({ kept, dropped }: ReturnType<typeof admit>) => [
    kept.map(({ request }) => request.body).join(""),
    dropped?.request.body,
  ];
  expect(bodies(admit([usual("a")], usual("b"), 2))).toEqual(["ab", undefined]);
  expect(bodies(admit([last("A"), usual("b")], usual("c"), 2))).toEqual(["Ac", "b"]);
  expect(bodies(admit([last("A"), usual("b")], last("C"), 2))).toEqual(["AC", "b"]);
  expect(bodies(admit([last("A"), last("B")], usual("c"), 2))).toEqual(["AB", "c"]);
  expect(bodies(admit([last("A"), last("B")], last("C"), 2))).toEqual(["BC", "A"]);
});
