import { expect, test } from "vitest";
import { createLabels } from "#promql";
import { createVirtualClock } from "#testing";
import { createSampleStore } from "../storage/index.ts";
import { createPromqlMetrics } from "./promql-metrics.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
/** A second, or the value at each of several seconds. */
type Samples = number | ((second: number) => number);

/** A store whose series were scraped every 10 s for three minutes, and the APIs over it at that moment. */
function apisOver(series: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: Samples }[]) {
  const clock = createVirtualClock(START + 180_000);
  const store = createSampleStore({ maxSeriesCount: 100 });
  for (const { labels, value } of series) {
    const stored = store.series(createLabels(Object.entries(labels)));
    for (let second = 0; stored !== undefined && second <= 180; second += 10) {
      store.append(stored, START + second * 1000, typeof value === "number" ? value : value(second));
    }
  }
  const live = () => store.live().map(({ labels }) => labels);
  return { clock, store, ...createPromqlMetrics({ queryable: store, live, clock }) };
}

const pod = (name: string, more: Readonly<Record<string, string>> = {}) => ({ namespace: "shop", pod: name, ...more });
const pods = (names: readonly string[]) => ({
  singular: "pod",
  namespace: "shop",
  names: new Set(names),
  selector: {},
});

test("custom: the series of each object are added up, those of others and of other namespaces left out", () => {
  const { custom } = apisOver([
    { labels: { __name__: "inflight", ...pod("a", { port: "1" }) }, value: 2 },
    { labels: { __name__: "inflight", ...pod("a", { port: "2" }) }, value: 3 },
    { labels: { __name__: "inflight", ...pod("b") }, value: 7 },
    { labels: { __name__: "inflight", ...pod("c") }, value: 11 },
    { labels: { __name__: "inflight", namespace: "other", pod: "a" }, value: 100 },
    { labels: { __name__: "inflight" }, value: 1000 },
  ]);
  const timestampMs = START + 180_000;
  expect(custom.list({ metric: "inflight", ...pods(["b", "a", "gone"]) })).toEqual([
    { name: "a", value: 5, timestampMs },
    { name: "b", value: 7, timestampMs },
  ]);
  const selector = { matchLabels: { port: "2" } };
  expect(custom.list({ metric: "inflight", ...pods(["a", "b"]), selector })).toEqual([
    { name: "a", value: 3, timestampMs },
  ]);
});

test("custom: a counter is served as its rate over two minutes, under its name without _total only", () => {
  const { custom } = apisOver([
    { labels: { __name__: "requests_total", ...pod("a") }, value: (second) => 5 * second },
    { labels: { __name__: "requests_total", ...pod("b") }, value: 40 },
  ]);
  const timestampMs = START + 180_000;
  expect(custom.list({ metric: "requests", ...pods(["a", "b"]) })).toEqual([
    { name: "a", value: expect.closeTo(5, 9), timestampMs, windowMs: 120_000 },
    { name: "b", value: 0, timestampMs, windowMs: 120_000 },
  ]);
  expect(custom.list({ metric: "requests_total", ...pods(["a"]) })).toBeUndefined();
});

test("custom: a gauge goes before a counter of the same name", () => {
  const { custom } = apisOver([
    { labels: { __name__: "load", ...pod("a") }, value: 3 },
    { labels: { __name__: "load_total", ...pod("a") }, value: (second) => 50 * second },
  ]);
  expect(custom.list({ metric: "load", ...pods(["a"]) })).toMatchObject([{ value: 3 }]);
});

test("custom: a metric that nobody has is told from one that the objects lack", () => {
  const { custom } = apisOver([{ labels: { __name__: "inflight", ...pod("a") }, value: 2 }]);
  expect(custom.list({ metric: "inflight", ...pods(["b"]) })).toEqual([]);
  expect(custom.list({ metric: "unknown", ...pods(["a"]) })).toBeUndefined();
  expect(custom.list({ metric: "inflight", ...pods(["a"]), namespace: 'x"}or{' })).toBeUndefined();
});

test("custom: names tell each kind of object that a live series describes, and follow within ten seconds", async () => {
  const { custom, store, clock } = apisOver([
    { labels: { __name__: "requests_total", ...pod("a", { service: "web" }) }, value: 1 },
    { labels: { __name__: "temperature", node: "n" }, value: 1 },
    { labels: { __name__: "up", pod: "without-namespace" }, value: 1 },
  ]);
  const wanted = [
    { metric: "requests", singular: "namespace" },
    { metric: "temperature", singular: "node" },
    { metric: "requests", singular: "pod" },
    { metric: "requests", singular: "service" },
  ];
  expect(custom.names()).toEqual(wanted);
  const ended = store.live().find(({ labels }) => labels.pairs.includes("temperature"));
  if (ended !== undefined) store.append(ended, clock.nowMs() + 1, undefined);
  await clock.advance(9_999);
  expect(custom.names()).toEqual(wanted);
  await clock.advance(1);
  expect(custom.names()).toEqual(wanted.filter(({ metric }) => metric === "requests"));
});

test("external: series of the namespace and of none, by their labels; unknown metrics are undefined", async () => {
  const { external } = apisOver([
    { labels: { __name__: "queue_depth", queue: "mail" }, value: 12 },
    { labels: { __name__: "queue_depth", queue: "mail", namespace: "shop" }, value: 30 },
    { labels: { __name__: "queue_depth", queue: "mail", namespace: "other" }, value: 500 },
    { labels: { __name__: "queue_depth", queue: "fax" }, value: 7 },
  ]);
  const timestampMs = START + 180_000;
  const query = { namespace: "shop", name: "queue_depth" };
  const values = await external.list({ ...query, selector: { matchLabels: { queue: "mail" } } });
  expect(values).toEqual([
    { labels: { queue: "mail" }, value: 12, timestampMs },
    { labels: { queue: "mail", namespace: "shop" }, value: 30, timestampMs },
  ]);
  expect(await external.list({ ...query, selector: { matchLabels: { queue: "none" } } })).toEqual([]);
  expect(await external.list({ ...query, name: "unknown", selector: {} })).toBeUndefined();
  // A namespace is a name, not a pattern.
  expect(await external.list({ ...query, namespace: ".*", selector: {} })).toHaveLength(2);
});
