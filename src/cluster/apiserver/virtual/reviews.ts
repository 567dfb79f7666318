import { isObject } from "#base";
import { mayDo } from "../auth/may-do.ts";
import { ISSUER, type User } from "../auth/tokens.ts";
import type { Endpoint } from "../registry/endpoint.ts";
import type { ApiRequest } from "../request/api-request.ts";
import { decodeDocument } from "../request/decode-document.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { methodNotAllowed } from "../status/status-error.ts";
import { virtualEndpoint } from "./virtual-endpoint.ts";

const AUTHORIZATION = { group: "authorization.k8s.io", version: "v1" };
const AUTHENTICATION = { group: "authentication.k8s.io", version: "v1" };

type Fields = Readonly<Record<string, unknown>>;
type Reviewer = (
  context: ServerContext,
  request: ApiRequest,
  spec: Fields,
) => { readonly spec?: unknown; readonly status: unknown };

const reviewers: ReadonlyMap<string, Reviewer> = new Map<string, Reviewer>([
  ["SelfSubjectReview", (_, { user }) => ({ status: { userInfo: userInfo(user) } })],
  ["TokenReview", reviewToken],
  ["LocalSubjectAccessReview", reviewSubject],
  [
    "SelfSubjectAccessReview",
    (context, { user }, spec) => ({ spec, status: { allowed: isAllowed(context, user, spec) } }),
  ],
  ["SubjectAccessReview", reviewSubject],
]);

/** Questions that clients ask about users and rights: they post a review and get it back with its status filled in. */
export function reviewEndpoints(): readonly Endpoint[] {
  return [...reviewers.keys()].map((kind) => {
    const singular = kind.toLowerCase();
    const group = kind.endsWith("AccessReview") ? AUTHORIZATION : AUTHENTICATION;
    return virtualEndpoint({ ...group, kind, plural: `${singular}s`, singular, namespaced: kind.startsWith("Local") }, [
      "create",
    ]);
  });
}

export function answerReview(context: ServerContext, request: ApiRequest, method: string): Answer {
  const { kind } = request.endpoint.kind.resource;
  const reviewer = reviewers.get(kind);
  if (reviewer === undefined || method !== "POST" || request.target.name !== undefined) throw methodNotAllowed();
  const document = decodeDocument(request.body);
  const spec = isObject(document) && isObject(document["spec"]) ? document["spec"] : {};
  const metadata = { creationTimestamp: null };
  const reviewed = { kind, apiVersion: request.endpoint.apiVersion, metadata, ...reviewer(context, request, spec) };
  return { type: "document", code: 201, document: reviewed };
}

function userInfo({ name, uid, groups }: User): object {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups };
}

function reviewToken(context: ServerContext, _request: ApiRequest, spec: Fields): { spec: unknown; status: unknown } {
  const token = typeof spec["token"] === "string" ? spec["token"] : "";
  const wanted =
    Array.isArray(spec["audiences"]) && spec["audiences"].length > 0 ? spec["audiences"].map(String) : [ISSUER];
  const claims = context.tokens.verify(token, context.clock.nowMs());
  const audiences = claims?.audiences.filter((audience) => wanted.includes(audience)) ?? [];
  if (claims === undefined || audiences.length === 0)
    return { spec: {}, status: { authenticated: false, error: "the token is not good" } };
  const user = { username: `system:serviceaccount:${claims.namespace}:${claims.name}`, uid: claims.uid };
  // The token itself is not sent back.
  return { spec: {}, status: { authenticated: true, user, audiences } };
}

function reviewSubject(context: ServerContext, _request: ApiRequest, spec: Fields): { spec: unknown; status: unknown } {
  const groups = Array.isArray(spec["groups"]) ? spec["groups"].map(String) : [];
  const name = typeof spec["user"] === "string" ? spec["user"] : "";
  return {
    spec,
    status: {
      allowed: isAllowed(context, { name, groups: [...groups, "system:authenticated"], isReviewed: true }, spec),
    },
  };
}

function isAllowed(context: ServerContext, user: User, spec: Fields): boolean {
  const resource = isObject(spec["resourceAttributes"]) ? spec["resourceAttributes"] : undefined;
  const path = isObject(spec["nonResourceAttributes"]) ? spec["nonResourceAttributes"] : undefined;
  const text = (fields: Fields | undefined, name: string): string =>
    typeof fields?.[name] === "string" ? fields[name] : "";
  return mayDo(context.store, user, {
    verb: text(resource ?? path, "verb"),
    group: text(resource, "group"),
    resource: [text(resource, "resource"), text(resource, "subresource")].filter((part) => part !== "").join("/"),
    namespace: text(resource, "namespace"),
    name: text(resource, "name"),
    ...(path === undefined ? {} : { path: text(path, "path") }),
  });
}
