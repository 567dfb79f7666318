import type { IncomingHttpHeaders } from "node:http";
import type { Store } from "../../store/index.ts";
import { unauthorized } from "../status/status-error.ts";
import { ISSUER, type ServiceAccountClaims, type Tokens, type User } from "./tokens.ts";

export const ANONYMOUS: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
export const ADMIN: User = { name: "admin", uid: "admin", groups: ["system:masters", "system:authenticated"] };

/**
 * Finds out who makes the request: the administrator, a service account, or nobody in particular.
 *
 * It comes before anything that reads objects or the body, so that a stranger learns nothing and costs little.
 *
 * @throws StatusError 401 for a token that is not good (a wrong token never falls back to anonymous).
 */
export function authenticate(
  headers: IncomingHttpHeaders,
  parts: { tokens: Tokens; store: Store; nowMs: number },
): User {
  const header = headers.authorization;
  if (header === undefined) return ANONYMOUS;
  const [scheme = "", token = ""] = header.split(" ");
  if (scheme.toLowerCase() !== "bearer" || token === "") return ANONYMOUS;
  if (parts.tokens.isAdmin(token)) return ADMIN;
  const claims = parts.tokens.verify(token, parts.nowMs);
  if (claims === undefined || !isLive(claims, parts.store)) throw unauthorized();
  return {
    name: `system:serviceaccount:${claims.namespace}:${claims.name}`,
    uid: claims.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${claims.namespace}`, "system:authenticated"],
  };
}

/** A token dies with its service account and with the pod it was made for. */
function isLive(claims: ServiceAccountClaims, store: Store): boolean {
  if (!claims.audiences.includes(ISSUER)) return false;
  const uidOf = (collection: string, name: string): string | undefined =>
    store.get({ collection, namespace: claims.namespace, name })?.object.metadata.uid;
  if (uidOf("/serviceaccounts", claims.name) !== claims.uid) return false;
  return claims.pod === undefined || uidOf("/pods", claims.pod.name) === claims.pod.uid;
}
