import type { Exchange } from "./exchange.ts";

const HISTOGRAM_BUCKETS = 10;
const BAR_WIDTH = 40;
const QUANTILES = [10, 25, 50, 75, 90, 95, 99];

/** What a run gave. */
export interface LoadResult {
  readonly exchanges: readonly Exchange[];
  readonly totalMs: number;
  /** Exchanges beyond those kept; they count in the rate and the codes, not in the latencies. */
  readonly droppedCount: number;
}

type Answered = Exchange & { readonly outcome: { readonly status: number; readonly byteCount: number } };

/** Writes a run as hey does; scripts read this format. */
export function formatReport(result: LoadResult): string {
  const answered = result.exchanges.filter((exchange): exchange is Answered => "status" in exchange.outcome);
  const parts = [formatSummary(result, answered)];
  if (answered.length > 0) {
    const latencies = answered.map(({ totalMs }) => totalMs / 1000).sort((a, b) => a - b);
    parts.push(formatHistogram(latencies), formatQuantiles(latencies), formatDetails(answered));
    parts.push(formatCodes(answered));
  }
  parts.push(formatErrors(result.exchanges));
  return `\n${parts.filter((part) => part !== "").join("\n")}\n`;
}

/** Writes one line a request. Source: hey's csv output. */
export function formatCsv(result: LoadResult): string {
  const lines = result.exchanges.flatMap((exchange) => {
    if (!("status" in exchange.outcome)) return [];
    const times = [exchange.totalMs, exchange.connectMs, exchange.lookupMs, exchange.writeMs, exchange.waitMs];
    const cells = [...times, exchange.readMs].map(seconds);
    return [`${cells.join(",")},${exchange.outcome.status},${seconds(exchange.startedMs)}`];
  });
  const head = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset";
  return `${[head, ...lines].join("\n")}\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(4);
}

function formatSummary(result: LoadResult, answered: readonly Answered[]): string {
  const totals = answered.map(({ totalMs }) => totalMs);
  const sumMs = totals.reduce((sum, ms) => sum + ms, 0);
  const byteCount = answered.reduce((sum, { outcome }) => sum + outcome.byteCount, 0);
  const count = answered.length;
  const lines = [
    "Summary:",
    `  Total:\t${seconds(result.totalMs)} secs`,
    `  Slowest:\t${seconds(totals.reduce((a, b) => Math.max(a, b), 0))} secs`,
    `  Fastest:\t${seconds(count === 0 ? 0 : totals.reduce((a, b) => Math.min(a, b)))} secs`,
    `  Average:\t${seconds(count === 0 ? 0 : sumMs / count)} secs`,
    `  Requests/sec:\t${((result.exchanges.length + result.droppedCount) / (result.totalMs / 1000)).toFixed(4)}`,
    "  ",
  ];
  if (byteCount > 0)
    lines.push(`  Total data:\t${byteCount} bytes`, `  Size/request:\t${Math.floor(byteCount / count)} bytes`);
  return `${lines.join("\n")}\n`;
}

/** Ten buckets of equal width between the fastest and the slowest; the first line counts the fastest alone, as in hey. */
function formatHistogram(latencies: readonly number[]): string {
  const fastest = latencies[0] ?? 0;
  const slowest = latencies.at(-1) ?? 0;
  const width = (slowest - fastest) / HISTOGRAM_BUCKETS;
  const bounds = Array.from({ length: HISTOGRAM_BUCKETS + 1 }, (_, index) =>
    index === HISTOGRAM_BUCKETS ? slowest : fastest + width * index,
  );
  const counts = bounds.map(() => 0);
  let bucket = 0;
  for (const latency of latencies) {
    while (bucket < HISTOGRAM_BUCKETS && latency > (bounds[bucket] ?? 0)) bucket++;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  const lines = bounds.map((bound, index) => {
    const count = counts[index] ?? 0;
    return `  ${bound.toFixed(3)} [${count}]\t|${"■".repeat(Math.round((count * BAR_WIDTH) / most))}`;
  });
  return `Response time histogram:\n${lines.join("\n")}\n\n`;
}

function formatQuantiles(latencies: readonly number[]): string {
  const lines = QUANTILES.map((percent) => {
    const rank = Math.ceil((percent / 100) * latencies.length);
    return `  ${percent}% in ${(latencies[Math.max(0, rank - 1)] ?? 0).toFixed(4)} secs`;
  });
  return `Latency distribution:\n${lines.join("\n")}\n`;
}

function formatDetails(answered: readonly Answered[]): string {
  const row = (name: string, read: (exchange: Answered) => number): string => {
    const values = answered.map(read);
    const average = values.reduce((sum, ms) => sum + ms, 0) / values.length;
    const fastest = values.reduce((a, b) => Math.min(a, b));
    const slowest = values.reduce((a, b) => Math.max(a, b));
    return `  ${name}:\t${seconds(average)} secs, ${seconds(fastest)} secs, ${seconds(slowest)} secs`;
  };
  return [
    "Details (average, fastest, slowest):",
    row("DNS+dialup", (exchange) => exchange.connectMs),
    row("DNS-lookup", (exchange) => exchange.lookupMs),
    row("req write", (exchange) => exchange.writeMs),
    row("resp wait", (exchange) => exchange.waitMs),
    row("resp read", (exchange) => exchange.readMs),
    "",
  ].join("\n");
}

function formatCodes(answered: readonly Answered[]): string {
  const counts = countBy(answered.map(({ outcome }) => String(outcome.status)));
  return `Status code distribution:\n${counts.map(([code, count]) => `  [${code}]\t${count} responses`).join("\n")}\n`;
}

function formatErrors(exchanges: readonly Exchange[]): string {
  const errors = exchanges.flatMap(({ outcome }) => ("error" in outcome ? [outcome.error] : []));
  if (errors.length === 0) return "";
  return `Error distribution:\n${countBy(errors)
    .map(([error, count]) => `  [${count}]\t${error}`)
    .join("\n")}\n`;
}

function countBy(keys: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
