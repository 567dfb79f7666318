/** Names of hosts: how Istio expands short ones, what counts as a wildcard, which names a client may call a Service by. */

export const CLUSTER_DOMAIN = "cluster.local";

/** The full name of a Service: `web.shop.svc.cluster.local`. */
export function serviceHost(name: string, namespace: string): string {
  return `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`;
}

/**
 * Expands a host of a VirtualService or DestinationRule. Only a name without a dot is expanded, with the namespace of the
 * object that carries it; `reviews.prod` is taken literally. Source: istio-spec 1.3 (istiod `ResolveShortnameToFQDN`).
 */
export function expandHost(host: string, namespace: string): string {
  if (host === "*" || host.includes(".") || host.includes(":")) return host.toLowerCase();
  return serviceHost(host.toLowerCase(), namespace);
}

/** Splits `host[:port]` as a client sends it; the host in lower case, without the final dot of an absolute name. */
export function splitAuthority(authority: string): { readonly host: string; readonly port?: number } {
  const end = authority.startsWith("[") ? authority.indexOf("]") + 1 : 0;
  const colon = authority.indexOf(":", end);
  const name = (colon < 0 ? authority : authority.slice(0, colon)).toLowerCase();
  const host = name.endsWith(".") ? name.slice(0, -1) : name;
  if (colon < 0) return { host };
  const port = Number(authority.slice(colon + 1));
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? { host, port } : { host };
}

/** Tells whether the pattern (`*`, `*.example.com` or a name) covers the host or the narrower pattern. */
export function coversHost(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  return pattern.startsWith("*.") && host.endsWith(pattern.slice(1)) && host !== pattern.slice(1);
}

/** The hosts that both patterns cover, as one pattern; undefined when there are none. */
export function intersectHosts(a: string, b: string): string | undefined {
  if (coversHost(a, b)) return b;
  return coversHost(b, a) ? a : undefined;
}

/** Values by host pattern, looked up from the most specific pattern to the least: exact, longest wildcard, `*`. */
export interface HostTable<T> {
  readonly exact: ReadonlyMap<string, T>;
  /** Suffixes with their leading dot, longest first. */
  readonly wildcards: readonly { readonly suffix: string; readonly value: T }[];
  readonly any: T | undefined;
}

export function buildHostTable<T>(entries: ReadonlyMap<string, T>): HostTable<T> {
  const exact = new Map<string, T>();
  const wildcards: { suffix: string; value: T }[] = [];
  for (const [pattern, value] of entries) {
    if (pattern.startsWith("*.")) wildcards.push({ suffix: pattern.slice(1), value });
    else if (pattern !== "*") exact.set(pattern, value);
  }
  wildcards.sort((a, b) => b.suffix.length - a.suffix.length || (a.suffix < b.suffix ? -1 : 1));
  return { exact, wildcards, any: entries.get("*") };
}

/** Finds what `pick` accepts, trying the values of ever less specific patterns. */
export function findByHost<T, R>(table: HostTable<T>, host: string, pick: (value: T) => R | undefined): R | undefined {
  const exact = table.exact.get(host);
  const found = exact === undefined ? undefined : pick(exact);
  if (found !== undefined) return found;
  for (const { suffix, value } of table.wildcards) {
    const picked = host.endsWith(suffix) && host.length > suffix.length ? pick(value) : undefined;
    if (picked !== undefined) return picked;
  }
  return table.any === undefined ? undefined : pick(table.any);
}
