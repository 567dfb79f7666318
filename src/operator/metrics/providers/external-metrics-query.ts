import { err, ok, type Result } from "#base";

/** Which external metric is asked for. */
export interface ExternalMetricsQuery {
  readonly namespace: string;
  readonly metric: string;
  /** Empty selects all. */
  readonly labelSelector: string;
}

const FORM = "write [NAMESPACE/]METRIC[?labelSelector=URL-ENCODED]";

/**
 * Reads `[<namespace>/]<metric>[?labelSelector=<url-encoded>]`; the namespace is `default` when left out.
 * Source: flagger-spec 5.4. Unlike Flagger, a parameter that is none of the form is refused: it would select everything.
 */
export function parseExternalMetricsQuery(query: string): Result<ExternalMetricsQuery, string> {
  const text = query.trim();
  const mark = text.indexOf("?");
  const path = mark === -1 ? text : text.slice(0, mark);
  const parameters = new URLSearchParams(mark === -1 ? "" : text.slice(mark + 1));
  const parts = path.split("/");
  const metric = parts.pop() ?? "";
  const [namespace = "", ...more] = parts;
  if (more.length > 0) return err(`the query "${text}" has more than one slash; ${FORM}`);
  if (metric === "") return err(`the query "${text}" names no metric; ${FORM}`);
  for (const name of parameters.keys())
    if (name !== "labelSelector") return err(`the query has the parameter "${name}"; ${FORM}`);
  const labelSelector = parameters.get("labelSelector") ?? "";
  return ok({ namespace: namespace === "" ? "default" : namespace, metric, labelSelector });
}
