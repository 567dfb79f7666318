import { withPodHost } from "./pod-address.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Where to connect for a URL and what to write in the request line. */
export interface HttpTarget {
  readonly host: string;
  readonly port: number;
  /** Path and query, or the whole URL when a proxy is asked. */
  readonly path: string;
  /** The Host header. */
  readonly authority: string;
  readonly isTls: boolean;
}

/**
 * Resolves a URL through `http_proxy` and `no_proxy`, as curl and Go programs do.
 *
 * Addresses of this machine are never proxied. Of HTTPS the proxy is not asked: the node proxy has no tunnel, and a pod's
 * traffic by name is plain HTTP.
 */
export function resolveHttpTarget(url: URL, env: Env): HttpTarget {
  const isTls = url.protocol === "https:";
  const host = withPodHost(url.hostname.replace(/^\[|\]$/g, ""), env);
  const path = `${url.pathname}${url.search}`;
  const direct = {
    host,
    port: Number(url.port === "" ? (isTls ? 443 : 80) : url.port),
    path,
    authority: url.host,
    isTls,
  };
  const proxy = isTls ? undefined : parseProxy(env.http_proxy);
  if (proxy === undefined || isExempt(host, env.no_proxy ?? env.NO_PROXY ?? "")) return direct;
  return { ...direct, host: proxy.host, port: proxy.port, path: `http://${url.host}${path}` };
}

function parseProxy(text: string | undefined): { host: string; port: number } | undefined {
  if (text === undefined || text === "") return undefined;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return { host: url.hostname, port: Number(url.port === "" ? 80 : url.port) };
}

function isExempt(host: string, noProxy: string): boolean {
  if (host === "localhost" || host === "::1" || host.startsWith("127.")) return true;
  return noProxy
    .split(",")
    .map((item) => item.trim().replace(/^\*?\./, ""))
    .some((item) => item === "*" || (item !== "" && (host === item || host.endsWith(`.${item}`))));
}
