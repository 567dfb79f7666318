import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { silentLog } from "#base";
import { createVirtualClock } from "#testing";
import { createSampleStore, type Journal, type SampleStore } from "../storage/index.ts";
import { type Scraper, type ScrapeTarget, startScraper, staticTarget } from "./index.ts";

const INTERVAL_MS = 1000;
const POLL = { interval: 5, timeout: 5000 };
const clock = createVirtualClock();
/** What the store takes is what these tests look at; what reaches the disk is tested with the journal. */
const noJournal: Journal = { append: () => undefined, forgetBefore: () => undefined, close: () => undefined };

const servers: Server[] = [];
let scraper: Scraper | undefined;
afterEach(async () => {
  await scraper?.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

function scrape(targets: readonly ScrapeTarget[]): { readonly scraper: Scraper; readonly store: SampleStore } {
  const store = createSampleStore({ maxSeriesCount: 1000 });
  scraper = startScraper({
    targets: () => targets,
    intervalMs: INTERVAL_MS,
    store,
    journal: noJournal,
    clock,
    log: silentLog,
  });
  return { scraper, store };
}

function newest(store: SampleStore, name: string): number | undefined {
  const [series] = store.select([{ name: "__name__", op: "=", value: name }], 0, Number.MAX_SAFE_INTEGER);
  return series?.values.at(-1);
}

test("startScraper: a slow target is never scraped twice at a time", async () => {
  const answers: (() => void)[] = [];
  let requestCount = 0;
  const url = await serve((_, response) => {
    requestCount++;
    answers.push(() => response.end("a 1\n"));
  });
  const started = scrape([staticTarget("slow", url)]);
  await expect.poll(() => requestCount, POLL).toBe(1);
  for (let i = 0; i < 3; i++) await clock.advance(INTERVAL_MS);
  expect(requestCount).toBe(1);
  answers.shift()?.();
  await expect.poll(() => started.scraper.targets[0]?.health, POLL).toBe("up");
  await clock.advance(INTERVAL_MS);
  await expect.poll(() => requestCount, POLL).toBe(2);
});

test("startScraper: many targets are scraped a few at a time", async () => {
  let inFlightCount = 0;
  let mostInFlight = 0;
  const url = await serve((_, response) => {
    inFlightCount++;
    mostInFlight = Math.max(mostInFlight, inFlightCount);
    setImmediate(() => {
      inFlightCount--;
      response.end("a 1\n");
    });
  });
  const targets = Array.from({ length: 60 }, (_, i) =>
    staticTarget("many", url.replace("/metrics", `/${i}`), { i: String(i) }),
  );
  const started = scrape(targets);
  await expect.poll(() => started.scraper.targets.filter(({ health }) => health === "up").length, POLL).toBe(60);
  expect(mostInFlight).toBeLessThanOrEqual(16);
});

const misbehaviours: readonly (readonly [string, (response: ServerResponse) => void, string])[] = [
  ["a body without end", writeForever, "is larger than"],
  ["an error status", (response) => response.writeHead(500).end("no"), "server returned HTTP status 500"],
  ["an error page without end", (response) => writeForever(response.writeHead(404)), "server returned HTTP status 404"],
  ["a broken connection", (response) => response.destroy(), "cannot get http"],
  [
    "half an answer",
    (response) => response.writeHead(200, { "content-length": 100 }).write("a 1\n", () => response.destroy()),
    "cannot get http",
  ],
];

test.each(misbehaviours)("startScraper: %s is a failed scrape", async (_, answer, expected) => {
  const url = await serve((_request, response) => answer(response));
  const started = scrape([staticTarget("bad", url)]);
  await expect.poll(() => started.scraper.targets[0]?.lastError ?? "", POLL).toContain(expected);
  expect(newest(started.store, "up")).toBe(0);
});

function writeForever(response: ServerResponse): void {
  const line = `# ${"x".repeat(65_536)}\n`;
  const push = (): void => {
    while (!response.destroyed && response.write(line)) continue;
  };
  response.on("drain", push);
  push();
}

test("startScraper: labels of the target win over those of the text unless it is honored", async () => {
  const url = await serve((_, response) => response.end('a{pod="theirs"} 1\n'));
  const ours: ScrapeTarget = { job: "renamed", url, labels: { pod: "ours" }, honorLabels: false };
  const started = scrape([ours, { ...ours, job: "honored", honorLabels: true }]);
  await expect.poll(() => started.scraper.targets.every(({ health }) => health === "up"), POLL).toBe(true);
  const podOf = (job: string) =>
    started.store
      .find(
        [
          { name: "__name__", op: "=", value: "a" },
          { name: "job", op: "=", value: job },
        ],
        0,
        Number.MAX_SAFE_INTEGER,
      )
      .map(({ pairs }) => pairs.slice(pairs.indexOf("job") + 2));
  expect(podOf("renamed")).toEqual([["pod", "ours"]]);
  expect(podOf("honored")).toEqual([["pod", "theirs"]]);
});
