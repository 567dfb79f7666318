import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors } from "undici";

/** How the operator reaches webhooks and metrics servers. */
export interface OutboundHttp {
  readonly dispatcher: Dispatcher;
  /** The same without checking server certificates. */
  readonly insecure: Dispatcher;
  close(): Promise<void>;
}

const MAX_REDIRECT_COUNT = 5;

/**
 * Opens the way out: through `http_proxy` where it is set, except to the hosts of `no_proxy`.
 *
 * Plain requests are sent to the proxy in absolute form, not through a tunnel: a mesh's outbound proxy routes by them.
 */
export function createOutboundHttp(env: Readonly<Record<string, string | undefined>>): OutboundHttp {
  const open = (rejectUnauthorized: boolean): Dispatcher => {
    const tls = { rejectUnauthorized };
    const proxy = env.http_proxy ?? env.HTTP_PROXY ?? "";
    if (proxy === "") return new Agent({ connect: tls, connections: 32 });
    return new EnvHttpProxyAgent({
      httpProxy: proxy,
      httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? "",
      noProxy: env.no_proxy ?? env.NO_PROXY ?? "",
      proxyTunnel: false,
      connect: tls,
      requestTls: tls,
    });
  };
  const bases = [open(true), open(false)] as const;
  const follow = interceptors.redirect({ maxRedirections: MAX_REDIRECT_COUNT });
  return {
    dispatcher: bases[0].compose(follow),
    insecure: bases[1].compose(follow),
    // Requests in flight have had their time when this is called.
    close: async () => void (await Promise.allSettled(bases.map((base) => base.destroy()))),
  };
}
