import type { GetMetricDataCommandInput, GetMetricDataCommandOutput } from "@aws-sdk/client-cloudwatch";
import { err, isObject, ok, type Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricSource } from "../metric-source.ts";
import { awsRequestHandler } from "./aws-request-handler.ts";
import { boundedMessage, secretsIn } from "./bounded-message.ts";
import { parseCloudWatchQuery } from "./cloudwatch-query.ts";
import { urlOf, whyNot } from "./http-call.ts";
import { type ProbeRequest, problemIn } from "./http-source.ts";
import { measured, severalSeries, windowOf } from "./samples.ts";

/** Source: flagger-spec 5.4. */
const MAX_DATAPOINTS = 20;

/** Refusals that are about who asks or how often, never about the query; some come with status 400. */
const NOT_ABOUT_THE_QUERY = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "IncompleteSignatureException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "MissingAuthenticationTokenException",
  "NotAuthorized",
  "OptInRequired",
  "RequestExpired",
  "RequestLimitExceeded",
  "SignatureDoesNotMatch",
  "Throttling",
  "ThrottlingException",
  "UnrecognizedClientException",
]);

/**
 * Amazon CloudWatch's GetMetricData over ten intervals. Of the one result that a query may return, the first value, which
 * is the newest, counts.
 *
 * The SDK brings signatures and the chain of credentials (environment, web identity, pod identity, instance); it is loaded
 * when a template first asks for it. Source: flagger-spec 5.4; CloudWatch API reference, "GetMetricData".
 */
export function cloudWatchSource({ timeoutMs = 5000, attemptCount = 4 } = {}): MetricSource {
  const limits = { timeoutMs, attemptCount };
  return {
    types: ["cloudwatch"],
    fault(request) {
      const queries = parseCloudWatchQuery(request.query);
      return queries.ok ? providerFault(request) : queries.error;
    },
    async query(request) {
      const window = windowOf(request);
      if (!window.ok) return { kind: "error", message: window.error };
      const queries = parseCloudWatchQuery(request.query);
      if (!queries.ok) return { kind: "error", message: queries.error };
      const answer = await getMetricData(request, limits, {
        MetricDataQueries: [...queries.value],
        StartTime: new Date(window.value.fromMs),
        EndTime: new Date(window.value.toMs),
        MaxDatapoints: MAX_DATAPOINTS,
      });
      return boundedMessage(answer.ok ? valueOf(answer.value) : resultOf(answer.error, timeoutMs), secretsIn(request));
    },
    /** A service that lets us in refuses a question without a query. Source: flagger-spec 5.4. */
    async probe(request) {
      const window = { StartTime: new Date(request.nowMs - 60_000), EndTime: new Date(request.nowMs) };
      const answer = await getMetricData(request, limits, { MetricDataQueries: [], ...window });
      if (answer.ok || isRefusedQuery(answer.error)) return undefined;
      return problemIn(boundedMessage(resultOf(answer.error, timeoutMs), secretsIn(request)));
    },
  };
}

/** The template is wrong, which no request can tell. */
class TemplateFault extends Error {
  override readonly name = "TemplateFault";
}

async function getMetricData(
  request: ProbeRequest,
  { timeoutMs, attemptCount }: { timeoutMs: number; attemptCount: number },
  input: GetMetricDataCommandInput,
): Promise<Result<GetMetricDataCommandOutput, unknown>> {
  const { region = "", address = "" } = request.provider;
  const fault = providerFault(request);
  if (fault !== undefined) return err(new TemplateFault(fault));
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const { CloudWatchClient, GetMetricDataCommand } = await import("@aws-sdk/client-cloudwatch");
    const client = new CloudWatchClient({
      region,
      ...(address === "" ? {} : { endpoint: address }),
      maxAttempts: attemptCount,
      requestHandler: awsRequestHandler({ ...request, signal }, timeoutMs),
    });
    try {
      const sent = client.send(new GetMetricDataCommand(input), { abortSignal: signal });
      return ok(await untilAborted(sent, signal));
    } finally {
      client.destroy();
    }
  } catch (thrown) {
    return err(signal.aborted ? signal.reason : thrown);
  }
}

function providerFault({
  provider: { region = "", address = "" },
}: Pick<ProbeRequest, "provider">): string | undefined {
  if (region === "") return "spec.provider.region is missing; write a region, such as eu-west-1";
  const endpoint = address === "" ? undefined : urlOf(address, "");
  return endpoint?.ok === false ? endpoint.error : undefined;
}

/** The search for credentials does not listen to the signal of the request. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function valueOf({ MetricDataResults: results = [] }: GetMetricDataCommandOutput): MetricResult {
  if (results.length > 1)
    return severalSeries(results.length, 'set "ReturnData": false on all queries but the one to judge');
  const [only] = results;
  const { StatusCode: status, Messages: messages = [], Values: values = [] } = only ?? {};
  if (status === "InternalError" || status === "Forbidden")
    return {
      kind: "unreachable",
      message: `CloudWatch answered ${status}: ${messages[0]?.Value ?? "no reason given"}`,
    };
  return measured(values[0]);
}

function resultOf(thrown: unknown, timeoutMs: number): MetricResult {
  if (thrown instanceof TemplateFault) return { kind: "error", message: thrown.message };
  const name = thrown instanceof Error && thrown.name !== "Error" ? `${thrown.name}: ` : "";
  const message = `CloudWatch: ${name}${whyNot(thrown, timeoutMs)}`;
  return { kind: isRefusedQuery(thrown) ? "error" : "unreachable", message };
}

function isRefusedQuery(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || NOT_ABOUT_THE_QUERY.has(thrown.name)) return false;
  const metadata = "$metadata" in thrown ? thrown.$metadata : undefined;
  return isObject(metadata) && metadata.httpStatusCode === 400;
}
