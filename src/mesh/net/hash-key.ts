import type { Random } from "#base";
import type { HashSource } from "../routing/cluster-policy.ts";
import type { RouteRequest } from "../routing/route-request.ts";

/** What a consistent hash of a request is made of; undefined when the request does not have it. */
export function hashKeyOf(source: HashSource, request: RouteRequest, remoteAddress: string): string | undefined {
  switch (source.kind) {
    case "header":
      return request.header(source.name);
    case "cookie":
      return readPair(request.header("cookie"), ";", source.name);
    case "query":
      return readPair(request.query, "&", source.name);
    case "sourceIp":
      return remoteAddress;
  }
}

function readPair(text: string | undefined, separator: string, name: string): string | undefined {
  for (const part of text?.split(separator) ?? []) {
    const pair = part.trim();
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
  }
  return undefined;
}

/** A new value for a client without the cookie, and the header that sets it; a time of 0 makes it a session cookie. */
export function newSessionCookie(
  source: Extract<HashSource, { kind: "cookie" }>,
  random: Random,
): { readonly value: string; readonly header: string } {
  const half = (): string =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  const value = half() + half();
  const maxAge = source.ttlMs === undefined || source.ttlMs === 0 ? "" : `; Max-Age=${Math.ceil(source.ttlMs / 1000)}`;
  return { value, header: `${source.name}=${value}${maxAge}; Path=${source.path}; HttpOnly` };
}
