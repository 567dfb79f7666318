import type { HTTPRetry } from "#api";
import { durationMs } from "./durations.ts";
import { UnusableObject } from "./finding.ts";

/** Conditions that Envoy knows. gRPC ones are read from a response that carries grpc-status among its headers. */
const CONDITIONS = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "envoy-ratelimited",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

const GRPC_STATUS: Readonly<Record<string, string>> = {
  "1": "cancelled",
  "4": "deadline-exceeded",
  "13": "internal",
  "8": "resource-exhausted",
  "14": "unavailable",
};

/** Source: istiod `retry.DefaultPolicy`, istio-spec 1.9. */
const DEFAULT_CONDITIONS = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
const DEFAULT_RETRIES = 2;
const DEFAULT_BACKOFF_MS = 25;
/** More than this helps nobody and multiplies load on a failing service. */
const RETRIES_MAX = 100;

export interface RetryPolicy {
  /** Further tries after the first; 0 turns retries off. */
  readonly retryCount: number;
  readonly conditions: ReadonlySet<string>;
  readonly statusCodes: ReadonlySet<number>;
  readonly perTryTimeoutMs?: number;
  readonly backoffBaseMs: number;
  /** A retry avoids the endpoints that were tried before, while there are others. */
  readonly avoidsPreviousHosts: boolean;
}

/**
 * Compiles `retries`; absent fields take Istio's defaults one by one.
 *
 * @throws UnusableObject for a condition Envoy does not know or a number out of range.
 */
export function compileRetryPolicy(retries: HTTPRetry | undefined): RetryPolicy {
  const retryCount = retries?.attempts ?? DEFAULT_RETRIES;
  if (!Number.isInteger(retryCount) || retryCount < 0)
    throw new UnusableObject(`retries.attempts: must be a whole number from 0, received "${retryCount}"`);
  const perTryTimeoutMs = durationMs("retries.perTryTimeout", retries?.perTryTimeout);
  return {
    retryCount: Math.min(retryCount, RETRIES_MAX),
    ...parseConditions(retries?.retryOn || DEFAULT_CONDITIONS),
    ...(perTryTimeoutMs === undefined || perTryTimeoutMs === 0 ? {} : { perTryTimeoutMs }),
    backoffBaseMs: durationMs("retries.backoff", retries?.backoff) ?? DEFAULT_BACKOFF_MS,
    avoidsPreviousHosts: retries?.retryIgnorePreviousHosts ?? true,
  };
}

/** Istio's policy for routes that say nothing about retries. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = compileRetryPolicy(undefined);

function parseConditions(text: string): Pick<RetryPolicy, "conditions" | "statusCodes"> {
  const conditions = new Set<string>();
  const statusCodes = new Set<number>();
  for (const word of text.split(",")) {
    if (CONDITIONS.has(word)) conditions.add(word);
    else if (/^[1-5]\d\d$/.test(word)) statusCodes.add(Number(word));
    else throw new UnusableObject(`retries.retryOn: "${word}" is no retry condition; separate them by commas only`);
  }
  return { conditions, statusCodes };
}

/** How one try ended, as far as retrying is concerned. */
export type TryOutcome =
  /** No connection could be made, so the request was certainly not executed. */
  | { readonly kind: "connectFailure" }
  /** The connection broke before any byte of the response. */
  | { readonly kind: "reset"; readonly isIdempotent: boolean }
  | { readonly kind: "perTryTimeout" }
  | { readonly kind: "response"; readonly status: number; readonly grpcStatus?: string | undefined };

/**
 * Tells whether a try that ended so may be followed by another one. The count, the budget and the replayability of the
 * body are the caller's to check.
 *
 * One addition to Envoy's rules: a reset before the response is also retried when the method is idempotent, whatever
 * `retryOn` says, unless retries are turned off. A pod that dies then costs no client an error, and nothing is executed
 * twice that must not be (RFC 9110, 9.2.2).
 */
export function isRetriable(policy: RetryPolicy, outcome: TryOutcome): boolean {
  const { conditions } = policy;
  const anyReset = conditions.has("5xx") || conditions.has("gateway-error") || conditions.has("reset");
  switch (outcome.kind) {
    case "connectFailure":
      return anyReset || conditions.has("connect-failure");
    case "reset":
      return anyReset || outcome.isIdempotent;
    case "perTryTimeout":
      return anyReset;
    case "response":
      return isRetriableResponse(policy, outcome);
  }
}

function isRetriableResponse(
  policy: RetryPolicy,
  outcome: { status: number; grpcStatus?: string | undefined },
): boolean {
  const { conditions, statusCodes } = policy;
  const { status } = outcome;
  if (statusCodes.has(status)) return true;
  if (status >= 500 && conditions.has("5xx")) return true;
  if (status >= 502 && status <= 504 && conditions.has("gateway-error")) return true;
  if (status === 409 && conditions.has("retriable-4xx")) return true;
  const grpc = outcome.grpcStatus === undefined ? undefined : GRPC_STATUS[outcome.grpcStatus];
  return grpc !== undefined && conditions.has(grpc);
}

/** The wait before retry number `retryIndex` (from 0): fully jittered, doubling, at most ten times the base. Source: istio-spec 1.9. */
export function retryBackoffMs(policy: RetryPolicy, retryIndex: number, chance: number): number {
  const ceiling = Math.min(policy.backoffBaseMs * 2 ** Math.min(retryIndex, 10), policy.backoffBaseMs * 10);
  return chance * ceiling;
}
