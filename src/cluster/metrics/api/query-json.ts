import { formatFloat, formatSampleValue, labelEntries, type Labels, type QueryValue } from "#promql";

/** Writes labels as a JSON object. By hand, so that a label called `__proto__` is only a label. */
export function labelsJson(labels: Labels): string {
  return `{${labelEntries(labels)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(",")}}`;
}

/** Writes the data of `/api/v1/query` and `/api/v1/query_range`; `limit` 0 keeps all series. */
export function queryJson(value: QueryValue, limit: number): { readonly json: string; readonly isTruncated: boolean } {
  switch (value.type) {
    case "scalar":
      // Scalars alone are written without an exponent, whatever their size.
      return whole(value.type, `[${secondsJson(value.timeMs)},"${formatFloat(value.value)}"]`);
    case "string":
      return whole(value.type, `[${secondsJson(value.timeMs)},${JSON.stringify(value.value)}]`);
    case "vector": {
      const elements = limited(value.elements, limit);
      return {
        json: resultJson(
          value.type,
          listJson(
            elements.kept,
            ({ labels, timeMs, value: number }) =>
              `{"metric":${labelsJson(labels)},"value":${pointJson(timeMs, number)}}`,
          ),
        ),
        isTruncated: elements.isTruncated,
      };
    }
    case "matrix": {
      const series = limited(value.series, limit);
      return {
        json: resultJson(
          value.type,
          listJson(series.kept, ({ labels, timestamps, values }) => {
            const points = Array.from(timestamps, (timeMs, i) => pointJson(timeMs, values[i] ?? Number.NaN));
            return `{"metric":${labelsJson(labels)},"values":[${points.join(",")}]}`;
          }),
        ),
        isTruncated: series.isTruncated,
      };
    }
  }
}

function whole(type: string, json: string): { readonly json: string; readonly isTruncated: boolean } {
  return { json: resultJson(type, json), isTruncated: false };
}

function resultJson(type: string, json: string): string {
  return `{"resultType":"${type}","result":${json}}`;
}

function listJson<T>(items: readonly T[], write: (item: T) => string): string {
  return `[${items.map(write).join(",")}]`;
}

export function limited<T>(
  items: readonly T[],
  limit: number,
): { readonly kept: readonly T[]; readonly isTruncated: boolean } {
  const isTruncated = limit > 0 && items.length > limit;
  return { kept: isTruncated ? items.slice(0, limit) : items, isTruncated };
}

function pointJson(timeMs: number, value: number): string {
  return `[${secondsJson(timeMs)},"${formatSampleValue(value)}"]`;
}

/** Seconds with at most three decimals. */
function secondsJson(timeMs: number): string {
  return String(Math.round(timeMs) / 1000);
}
