import { isLabelName, type LabelMatcher, type Labels, labelEntries, labelValue } from "#promql";
import type { ApiContext } from "./api-context.ts";
import { type ApiData, ApiError } from "./envelope.ts";
import { limitParameter, matchParameter, timeParameter } from "./parameters.ts";
import { TRUNCATED } from "./query-endpoints.ts";
import { labelsJson, limited } from "./query-json.ts";

/** `/api/v1/series`. @throws ApiError */
export function answerSeries(context: ApiContext, params: URLSearchParams): ApiData {
  if (!params.has("match[]")) throw new ApiError("bad_data", "no match[] parameter provided");
  const found = new Map(matchingLabels(context, params).map((labels) => [labels.key, labels]));
  const { kept, isTruncated } = limited([...found.values()], limitParameter(params));
  return listed(`[${kept.map(labelsJson).join(",")}]`, isTruncated);
}

/** `/api/v1/labels`. @throws ApiError */
export function answerLabels(context: ApiContext, params: URLSearchParams): ApiData {
  const names = params.has("match[]")
    ? matchingLabels(context, params).flatMap((labels) => labelEntries(labels).map(([name]) => name))
    : context.store.index.names();
  return namesData(names, limitParameter(params));
}

/** `/api/v1/label/NAME/values`. @throws ApiError */
export function answerLabelValues(
  context: ApiContext,
  params: URLSearchParams,
  { name }: { readonly name: string },
): ApiData {
  if (!isLabelName(name)) throw new ApiError("bad_data", `invalid label name: ${JSON.stringify(name)}`);
  const values = params.has("match[]")
    ? matchingLabels(context, params).map((labels) => labelValue(labels, name))
    : context.store.index.values(name);
  return namesData(
    values.filter((value) => value !== ""),
    limitParameter(params),
  );
}

/** `/api/v1/metadata`. @throws ApiError */
export function answerMetadata(context: ApiContext, params: URLSearchParams): ApiData {
  const wanted = params.get("metric");
  const all = [...context.scraper.metadata].filter(([name]) => wanted === null || wanted === "" || name === wanted);
  const { kept } = limited(all, limitParameter(params));
  const entries = kept.map(
    ([name, { type, help, unit }]) => `${JSON.stringify(name)}:[${JSON.stringify({ type, unit, help })}]`,
  );
  return { json: `{${entries.join(",")}}` };
}

function matchingLabels({ store }: ApiContext, params: URLSearchParams): readonly Labels[] {
  const startMs = timeParameter(params, "start", Number.NEGATIVE_INFINITY);
  const endMs = timeParameter(params, "end", Number.POSITIVE_INFINITY);
  const sets: readonly (readonly LabelMatcher[])[] = matchParameter(params);
  return sets.flatMap((matchers) => store.find(matchers, startMs, endMs));
}

function namesData(names: readonly string[], limit: number): ApiData {
  const { kept, isTruncated } = limited([...new Set(names)].sort(), limit);
  return listed(JSON.stringify(kept), isTruncated);
}

function listed(json: string, isTruncated: boolean): ApiData {
  return isTruncated ? { json, warnings: [TRUNCATED] } : { json };
}
