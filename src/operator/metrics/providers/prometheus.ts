import { err, ok, type Result } from "#base";
import type { MetricRequest, MetricSource } from "../metric-source.ts";
import { addressFault, askPrometheus, type PrometheusTarget, singleResult } from "../prometheus-client.ts";

/** Prometheus and whatever answers its HTTP API. Source: flagger-spec 5.4. */
export const prometheus: MetricSource = {
  types: ["prometheus"],
  async query(request) {
    const target = prometheusTargetOf(request);
    if (!target.ok) return { kind: "error", message: target.error };
    return singleResult(await askPrometheus(target.value, request.query, request.signal), request.intervalMs);
  },
  fault(request) {
    const target = prometheusTargetOf(request);
    return target.ok ? addressFault(target.value) : target.error;
  },
  async probe(request) {
    const target = prometheusTargetOf(request);
    if (!target.ok) return target.error;
    const result = singleResult(await askPrometheus(target.value, "vector(1)", request.signal));
    if (result.kind === "value" && result.value === 1) return undefined;
    return "message" in result ? result.message : `vector(1) gave ${result.kind}`;
  },
};

/** Where the Prometheus of a template is, and how to be let in. */
export function prometheusTargetOf({
  provider,
  secret,
  http,
}: Omit<MetricRequest, "query" | "intervalMs">): Result<PrometheusTarget, string> {
  if (provider.address === undefined || provider.address === "") return err("spec.provider.address is missing");
  const credentials = secret === undefined ? ok(undefined) : credentialsOf(secret);
  if (!credentials.ok) return credentials;
  return ok({
    address: provider.address,
    dispatcher: provider.insecureSkipVerify === true ? http.insecure : http.dispatcher,
    ...(provider.headers === undefined ? {} : { headers: provider.headers }),
    ...(credentials.value === undefined ? {} : { credentials: credentials.value }),
  });
}

function credentialsOf(secret: ReadonlyMap<string, string>): Result<PrometheusTarget["credentials"], string> {
  // `echo` and editors end files with a line break that no header may hold.
  const read = (key: string): string | undefined => secret.get(key)?.replace(/\r?\n$/, "");
  const token = read("token");
  if (token !== undefined) return ok({ kind: "bearer", token });
  const [username, password] = [read("username"), read("password")];
  if (username !== undefined && password !== undefined) return ok({ kind: "basic", username, password });
  return err('the Secret of the MetricTemplate has neither "token" nor "username" and "password"');
}
