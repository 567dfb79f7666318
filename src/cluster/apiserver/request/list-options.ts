import type { KubeObject } from "#api";
import type { Problem } from "#base";
import type { Endpoint } from "../registry/endpoint.ts";
import { parseFieldSelector } from "../select/field-selector.ts";
import { parseLabelSelector } from "../select/label-selector.ts";
import { badRequest, invalid, StatusError } from "../status/status-error.ts";

/** What a list, watch or deletion of a collection asks for. */
export interface ListOptions {
  /** Tells whether an object, as the endpoint shows it, is asked for. */
  readonly matches: (object: KubeObject) => boolean;
  readonly isSelective: boolean;
  /** Undefined when none was given: the newest state. 0 means any state. */
  readonly resourceVersion: number | undefined;
  readonly versionMatch: "Exact" | "NotOlderThan" | undefined;
  readonly limit: number | undefined;
  readonly continueToken: string | undefined;
  readonly isWatch: boolean;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutMs: number | undefined;
}

/** @throws StatusError 400, 422 or (as the real server answers a wrong version) 500. */
export function readListOptions(
  query: URLSearchParams,
  endpoint: Endpoint,
  target: { readonly name?: string },
): ListOptions {
  checkMatch(query);
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", endpoint.kind.resource);
  const { name } = target;
  const limit = numberFrom(query, "limit");
  const timeout = numberFrom(query, "timeoutSeconds");
  const isNamed = (object: KubeObject): boolean => name === undefined || object.metadata.name === name;
  return {
    matches: (object) => isNamed(object) && labels(object.metadata.labels) && fields(object),
    isSelective: (query.get("labelSelector") ?? "") !== "" || (query.get("fieldSelector") ?? "") !== "",
    resourceVersion: versionFrom(query),
    versionMatch: matchFrom(query),
    limit: limit === undefined || limit <= 0 ? undefined : limit,
    continueToken: query.get("continue") ?? undefined,
    isWatch: isTrue(query.get("watch")),
    allowBookmarks: isTrue(query.get("allowWatchBookmarks")),
    sendInitialEvents: query.has("sendInitialEvents") ? isTrue(query.get("sendInitialEvents")) : undefined,
    timeoutMs: timeout === undefined || timeout <= 0 ? undefined : timeout * 1000,
  };
}

function isTrue(value: string | null): boolean {
  return value === "true" || value === "1";
}

function numberFrom(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function versionFrom(query: URLSearchParams): number | undefined {
  const text = query.get("resourceVersion") ?? "";
  if (text === "") return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const finding = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw new StatusError({ code: 500, message: `resourceVersion: Invalid value: ${JSON.stringify(text)}: ${finding}` });
}

function matchFrom(query: URLSearchParams): ListOptions["versionMatch"] {
  const match = query.get("resourceVersionMatch");
  return match === "Exact" || match === "NotOlderThan" ? match : undefined;
}

/** Source: apimachinery `internalversion/validation.ValidateListOptions`. */
function checkMatch(query: URLSearchParams): void {
  const finding = isTrue(query.get("watch")) ? watchFinding(query) : listFinding(query);
  if (finding === undefined) return;
  const problem: Problem = { path: "resourceVersionMatch", ...finding };
  throw invalid({ group: "meta.k8s.io", kind: "ListOptions", name: "" }, [problem]);
}

type Finding = Pick<Problem, "code" | "message"> | undefined;

function forbidden(detail: string): Finding {
  return { code: "FieldValueForbidden", message: `Forbidden: ${detail}` };
}

function watchFinding(query: URLSearchParams): Finding {
  const match = query.get("resourceVersionMatch") ?? "";
  if (!query.has("sendInitialEvents")) {
    return match === ""
      ? undefined
      : forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (match !== "NotOlderThan")
    return forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  return undefined;
}

function listFinding(query: URLSearchParams): Finding {
  const match = query.get("resourceVersionMatch") ?? "";
  if (match === "") return undefined;
  const version = query.get("resourceVersion") ?? "";
  if (version === "") return forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match !== "Exact" && match !== "NotOlderThan") {
    const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`;
    return { code: "FieldValueNotSupported", message };
  }
  if (match === "Exact" && version === "0")
    return forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  return query.has("continue") ? forbidden("resourceVersionMatch is forbidden when continue is provided") : undefined;
}
