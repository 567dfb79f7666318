import type { Result } from "#base";
import type { MetricResult } from "#rollout";
import type { MetricRequest, MetricSource } from "../metric-source.ts";
import { loginOf } from "../../gates/index.ts";
import { complaintIn, type HttpReply, type HttpCall, MAX_BODY_BYTES, send } from "./http-call.ts";
import { boundedMessage, secretsIn } from "./bounded-message.ts";

export type ProbeRequest = Omit<MetricRequest, "query" | "intervalMs">;

/** A provider that is asked by one HTTP request. All but the sending is pure. */
export interface HttpProtocol {
  readonly types: readonly string[];
  /** Name of the product, for messages. */
  readonly product: string;
  readonly timeoutMs: number;
  /** What to send, or what is wrong with the template. */
  plan(request: MetricRequest): Result<HttpCall, string>;
  planProbe(request: ProbeRequest): Result<HttpCall, string>;
  /** Reads the body of a 2xx answer; undefined when it is none of this product. */
  read(text: string): MetricResult | undefined;
  /** Reads the answer to a probe; any 2xx will do when absent. */
  readProbe?(text: string): MetricResult | undefined;
}

/** Makes a source of a protocol. */
export function httpSource(protocol: HttpProtocol): MetricSource {
  return {
    types: protocol.types,
    query: (request) => ask(protocol, request, { call: protocol.plan(request), read: protocol.read }),
    fault(request) {
      const call = protocol.plan(request);
      return call.ok ? undefined : call.error;
    },
    async probe(request) {
      const read = protocol.readProbe ?? (() => ({ kind: "empty" }) as const);
      return problemIn(await ask(protocol, request, { call: protocol.planProbe(request), read }));
    },
  };
}

async function ask(
  protocol: HttpProtocol,
  request: ProbeRequest,
  { call, read }: { readonly call: Result<HttpCall, string>; readonly read: HttpProtocol["read"] },
): Promise<MetricResult> {
  if (!call.ok) return { kind: "error", message: call.error };
  const answer = await send(call.value, request, protocol.timeoutMs);
  const secrets = [...secretsIn(request), ...loginOf(call.value.url.href)];
  return boundedMessage(resultOf(answer, { product: protocol.product, read }), secrets);
}

/**
 * Tells what an answer says of the release.
 *
 * A query that the server refuses (400, 422, or 404 in its own words) is an error of the template. A server that does not
 * let us in, limits us, fails, or is not the product at all says nothing about the release. Source: flagger-spec 10.3.14.
 */
export function resultOf(answer: HttpReply, { product, read }: Pick<HttpProtocol, "product" | "read">): MetricResult {
  if (answer.kind === "unreachable") return answer;
  if (answer.kind === "too-large")
    return { kind: "error", message: `the answer is larger than ${MAX_BODY_BYTES} bytes; ask for one series` };
  const { status, text } = answer;
  if (status >= 200 && status < 300) return read(text) ?? foreign(product, text);
  const complaint = complaintIn(text);
  const message = `${product} answered ${status}: ${complaint ?? text.trim()}`;
  const isRefusal = status === 400 || status === 422 || (status === 404 && complaint !== undefined);
  if (isRefusal) return { kind: "error", message };
  if (status < 400)
    return { kind: "unreachable", message: `${product} answered ${status}, a redirect; write the new address` };
  return { kind: "unreachable", message };
}

/** Why a provider cannot be used, from what it answered to a probe. */
export function problemIn(result: MetricResult): string | undefined {
  return result.kind === "error" || result.kind === "unreachable" ? result.message : undefined;
}

function foreign(product: string, text: string): MetricResult {
  return { kind: "unreachable", message: `the answer is not one of ${product}: ${text.trim()}` };
}
