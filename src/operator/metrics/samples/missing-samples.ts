import type { MetricSamples, MissingReason } from "#rollout";

/** Why a metric has no samples. */
export interface Missing {
  readonly reason: MissingReason;
  readonly message: string;
}

/** Events and status have little room. Source: docs/metric-providers.md. */
const MESSAGE_MAX = 300;

/** The samples of a metric that has none; texts of servers and labels are cut, and stay on one line. */
export function missingSamples(
  { name, query = "", owner }: { readonly name: string; readonly query?: string; readonly owner: string },
  { reason, message }: Missing,
): MetricSamples {
  const said = (owner === "" ? message : `${owner}: ${message}`).replace(/\s+/g, " ");
  const shown = said.length > MESSAGE_MAX ? `${said.slice(0, MESSAGE_MAX - 1)}…` : said;
  return { name, kind: "missing", reason, message: shown, ...(query === "" ? {} : { query }) };
}
