import { Failure, isObject, messageOf } from "#base";

/** One series over a range. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Value by time, milliseconds since the Unix epoch. */
  readonly values: ReadonlyMap<number, number>;
}

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

const TIMEOUT_MS = 60_000;
/** A window of a hundred pods with twenty buckets is about 30 MB. */
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
const SERIES_MAX = 20_000;

/**
 * Asks a Prometheus server for a query over a range.
 *
 * @throws Failure `PrometheusUnusable` when it cannot be asked, refuses, or answers with more than is read.
 */
export async function queryRange(
  server: URL,
  question: Range & { readonly query: string },
  signal: AbortSignal,
): Promise<readonly RangeSeries[]> {
  const { query, startMs, endMs, stepMs } = question;
  const url = new URL(`${server.pathname.replace(/\/$/, "")}/api/v1/query_range`, server);
  url.search = String(
    new URLSearchParams({
      query,
      start: String(startMs / 1000),
      end: String(endMs / 1000),
      step: String(stepMs / 1000),
    }),
  );
  const shown = `${server.host} for ${query}`;
  let text: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    text = await readBounded(response);
  } catch (cause) {
    signal.throwIfAborted();
    throw unusable(`Cannot ask the Prometheus server ${shown}: ${messageOf(cause)}`);
  }
  return seriesOf(text, shown);
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > ANSWER_BYTES_MAX)
      throw new Error(`the answer is larger than ${ANSWER_BYTES_MAX} bytes; choose a longer --step`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function seriesOf(text: string, shown: string): RangeSeries[] {
  const answer = parsed(text);
  if (answer?.["status"] === "error")
    throw unusable(`The Prometheus server ${shown} refused: ${String(answer["error"]).slice(0, 500)}`);
  const data = answer?.["data"];
  const result = isObject(data) && data["resultType"] === "matrix" ? data["result"] : undefined;
  if (!Array.isArray(result)) throw unusable(`What ${shown} answered is no range: ${text.slice(0, 200)}`);
  if (result.length > SERIES_MAX)
    throw unusable(`${shown} answered with ${result.length} series; at most ${SERIES_MAX} are read`);
  return result.filter(isObject).map(decodeSeries);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function decodeSeries({ metric, values }: Readonly<Record<string, unknown>>): RangeSeries {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(metric) ? metric : {})) labels[name] = String(value);
  const byTime = new Map<number, number>();
  for (const point of Array.isArray(values) ? values : []) {
    if (!Array.isArray(point)) continue;
    const [seconds, value] = [Number(point[0]), Number(point[1])];
    if (Number.isFinite(seconds) && Number.isFinite(value)) byTime.set(Math.round(seconds * 1000), value);
  }
  return { labels, values: byTime };
}

function unusable(message: string): Failure {
  return new Failure(message, { code: "PrometheusUnusable" });
}
