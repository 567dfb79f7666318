import { isObject, type Problem } from "#base";
import { ISSUER } from "../auth/tokens.ts";
import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf } from "../registry/endpoint.ts";
import { decodeDocument } from "../request/decode-document.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { invalid, methodNotAllowed, notFound } from "../status/status-error.ts";
import { secondsIso } from "../write/write-scope.ts";

const DEFAULT_SECONDS = 3_600;
/** Source: `authentication/validation.ValidateTokenRequest`. */
const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;

/** Issues a token for a service account. Source: `authentication.k8s.io/v1` TokenRequest. */
export async function issueToken(
  context: ServerContext,
  { endpoint, target, body }: ApiRequest,
  method: string,
): Promise<Answer> {
  if (method !== "POST") throw methodNotAllowed();
  const { namespace = "", name = "" } = target;
  const document = decodeDocument(body);
  const spec = isObject(document) && isObject(document["spec"]) ? document["spec"] : {};
  const stored = context.store.get(pathOf(endpoint, namespace, name));
  if (stored === undefined) throw notFound(byResource(endpoint, name));
  const seconds = secondsOf(spec);
  const audiences =
    Array.isArray(spec["audiences"]) && spec["audiences"].length > 0 ? spec["audiences"].map(String) : [ISSUER];
  const bound = spec["boundObjectRef"];
  const pod = isObject(bound) ? boundPod(context, namespace, bound) : undefined;
  const nowMs = context.clock.nowMs();
  const expiresMs = nowMs + seconds * 1000;
  const claims = {
    namespace,
    name,
    uid: stored.object.metadata.uid ?? "",
    audiences,
    ...(pod === undefined ? {} : { pod }),
  };
  const answer = {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, creationTimestamp: secondsIso(nowMs) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: isObject(bound) ? bound : null },
    status: { token: context.tokens.issue(claims, nowMs, expiresMs), expirationTimestamp: secondsIso(expiresMs) },
  };
  return { type: "document", code: 201, document: answer };
}

function secondsOf(spec: Record<string, unknown>): number {
  const seconds = spec["expirationSeconds"] ?? DEFAULT_SECONDS;
  if (typeof seconds !== "number" || seconds < MIN_SECONDS)
    throw refused(seconds, "may not specify a duration less than 10 minutes");
  if (seconds > MAX_SECONDS) throw refused(seconds, "may not specify a duration larger than 2^32 seconds");
  return Math.floor(seconds);
}

function refused(seconds: unknown, detail: string): Error {
  const problem: Problem = {
    path: "spec.expirationSeconds",
    code: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(seconds)}: ${detail}`,
  };
  return invalid({ group: "authentication.k8s.io", kind: "TokenRequest", name: "" }, [problem]);
}

/** A token may be bound to a pod: it dies with it. Other kinds are not bound to here. */
function boundPod(
  context: ServerContext,
  namespace: string,
  reference: Record<string, unknown>,
): { name: string; uid: string } | undefined {
  if (reference["kind"] !== "Pod" || typeof reference["name"] !== "string") return undefined;
  const stored = context.store.get({ collection: "/pods", namespace, name: reference["name"] });
  if (stored === undefined) throw notFound({ group: "", kind: "pods", name: reference["name"] });
  return { name: reference["name"], uid: stored.object.metadata.uid ?? "" };
}
