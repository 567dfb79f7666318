import type { IncomingHttpHeaders } from "node:http";
import { badRequest, StatusError } from "../status/status-error.ts";
import type { User } from "./tokens.ts";

/** Groups that one request may claim. */
const GROUP_COUNT_MAX = 100;

/**
 * Lets the administrator speak for somebody else (`kubectl --as`): the request then has the rights of that user, which are
 * those that roles give.
 *
 * Source: apiserver `filters.WithImpersonation`.
 *
 * @throws StatusError 403 when anyone else tries; 400 when groups are claimed without a user.
 */
export function impersonate(headers: IncomingHttpHeaders, user: User): User {
  const name = headers["impersonate-user"];
  const groups = listOf(headers["impersonate-group"]);
  if (name === undefined || Array.isArray(name) || name === "") {
    if (groups.length === 0 && headers["impersonate-uid"] === undefined) return user;
    throw badRequest(`requested [{Group ${groups.join(",")}}] without impersonating a user`);
  }
  if (!user.groups.includes("system:masters")) {
    const message = `users ${JSON.stringify(name)} is forbidden: User ${JSON.stringify(user.name)} cannot impersonate resource "users" in API group "" at the cluster scope`;
    throw new StatusError({ code: 403, reason: "Forbidden", message, details: { name, kind: "users" } });
  }
  const uid = headers["impersonate-uid"];
  return {
    name,
    ...(typeof uid === "string" ? { uid } : {}),
    groups: [...groups.slice(0, GROUP_COUNT_MAX), "system:authenticated"],
    isReviewed: true,
  };
}

/** Node joins repeated headers with a comma and a space. */
function listOf(header: string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return [];
  return (typeof header === "string" ? header.split(", ") : header).filter((group) => group !== "");
}
