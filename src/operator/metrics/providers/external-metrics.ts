import { Failure, isObject, ok, parseQuantity, type Result } from "#base";
import { createKubeClient, loadInClusterConfig } from "#kube";
import type { MetricResult } from "#rollout";
import { readBounded } from "../../gates/index.ts";
import type { MetricRequest, MetricSource } from "../metric-source.ts";
import { boundedMessage, secretsIn } from "./bounded-message.ts";
import { parseExternalMetricsQuery } from "./external-metrics-query.ts";
import { type HttpReply, MAX_BODY_BYTES, parseJson, send, urlOf, whyNot } from "./http-call.ts";
import { type ProbeRequest, problemIn, resultOf } from "./http-source.ts";
import { measured, severalSeries, shown } from "./samples.ts";

/** Source: Kubernetes, `k8s.io/metrics/pkg/apis/external_metrics/v1beta1`. */
const API_PATH = "/apis/external.metrics.k8s.io/v1beta1";

/**
 * The external metrics API of Kubernetes, which metrics adapters and KEDA serve: at an address, or in the cluster that the
 * operator runs in.
 *
 * The operator's own token goes to its own API server only. Flagger also sends it to any address that a template names, so
 * that whoever may write a template can have it. Source: flagger-spec 5.4.
 */
export function externalMetricsSource({ timeoutMs = 5000 } = {}): MetricSource {
  return {
    types: ["externalmetrics"],
    fault(request) {
      const path = pathOf(request);
      if (!path.ok) return path.error;
      const { address = "" } = request.provider;
      const url = address === "" ? undefined : urlOf(address, path.value);
      return url?.ok === false ? url.error : undefined;
    },
    async query(request) {
      const path = pathOf(request);
      if (!path.ok) return { kind: "error", message: path.error };
      return ask(request, { path: path.value, read, timeoutMs });
    },
    /** Asks for the API itself: adapters answer to a metric that they do not have in many ways. */
    probe: async (request) => problemIn(await ask(request, { path: API_PATH, read: readApi, timeoutMs })),
  };
}

interface Question {
  readonly path: string;
  read(text: string): MetricResult | undefined;
  readonly timeoutMs: number;
}

async function ask(request: ProbeRequest, question: Question): Promise<MetricResult> {
  const { address = "" } = request.provider;
  const answer = address === "" ? await sendInCluster(request, question) : await sendTo(address, request, question);
  if (!answer.ok) return { kind: "error", message: answer.error };
  const result = resultOf(answer.value, { product: "the external metrics API", read: question.read });
  return boundedMessage(result, secretsIn(request));
}

function pathOf({ query }: Pick<MetricRequest, "query">): Result<string, string> {
  const parsed = parseExternalMetricsQuery(query);
  if (!parsed.ok) return parsed;
  const { namespace, metric, labelSelector } = parsed.value;
  const path = `${API_PATH}/namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric)}`;
  return ok(labelSelector === "" ? path : `${path}?labelSelector=${encodeURIComponent(labelSelector)}`);
}

async function sendTo(address: string, request: ProbeRequest, question: Question): Promise<Result<HttpReply, string>> {
  const [path = "", query = ""] = question.path.split("?");
  const url = urlOf(address, path);
  if (!url.ok) return url;
  for (const [name, value] of new URLSearchParams(query)) url.value.searchParams.set(name, value);
  const token = tokenOf(request);
  const headers = { accept: "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  return ok(await send({ method: "GET", url: url.value, headers }, request, question.timeoutMs));
}

async function sendInCluster(request: ProbeRequest, question: Question): Promise<Result<HttpReply, string>> {
  try {
    const config = await loadInClusterConfig(undefined, request.env);
    const token = tokenOf(request);
    const client = createKubeClient({
      ...config,
      ...(request.provider.insecureSkipVerify === true ? { insecureSkipTlsVerify: true } : {}),
      ...(token === undefined ? {} : { credentials: { kind: "token", token } }),
    });
    try {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(question.timeoutMs)]);
      const headers = { accept: "application/json" };
      const { status, body } = await client.raw({ path: question.path, headers, signal });
      const { text, isWhole } = await readBounded(body, MAX_BODY_BYTES);
      return ok(isWhole ? { kind: "answer", status, headers: {}, text } : { kind: "too-large" });
    } finally {
      await client.close();
    }
  } catch (thrown) {
    const message = whyNot(thrown, question.timeoutMs);
    // Waiting does not bring a cluster about.
    if (thrown instanceof Failure && thrown.code === "NotInCluster")
      return { ok: false, error: `spec.provider.address is missing: ${message}` };
    return ok({ kind: "unreachable", message });
  }
}

function tokenOf({ secret }: ProbeRequest): string | undefined {
  const token = secret?.get("token")?.trim() ?? "";
  return token === "" ? undefined : token;
}

function read(text: string): MetricResult | undefined {
  const body = parseJson(text);
  if (!isObject(body) || body.kind !== "ExternalMetricValueList") return undefined;
  // A list of no items may be null, as Go writes it.
  const items: unknown[] = Array.isArray(body.items) ? body.items : [];
  if (items.length > 1) return severalSeries(items.length, "narrow the labelSelector to one");
  const [item] = items;
  if (item === undefined) return { kind: "empty" };
  const value = isObject(item) ? item.value : undefined;
  const quantity = typeof value === "string" || typeof value === "number" ? parseQuantity(value) : undefined;
  if (quantity?.ok === true) return measured(quantity.value);
  return { kind: "error", message: `the metric has the value ${shown(value)}, which is no quantity` };
}

function readApi(text: string): MetricResult | undefined {
  const body = parseJson(text);
  return isObject(body) && body.kind === "APIResourceList" ? { kind: "empty" } : undefined;
}
