import { Agent, type Dispatcher, EnvHttpProxyAgent, interceptors, Pool, ProxyAgent } from "undici";

/** How the operator reaches webhooks, metrics servers and receivers of alerts. */
export interface OutboundHttp {
  readonly dispatcher: Dispatcher;
  /** The same without checking server certificates. */
  readonly insecure: Dispatcher;
  /**
   * The way through a proxy of the user's own.
   * @throws when the address is none of an HTTP proxy.
   */
  through(proxyUrl: string): Dispatcher;
  close(): Promise<void>;
}

/** As many as Go's client follows, which Flagger uses. */
const MAX_REDIRECT_COUNT = 10;
const MAX_CONNECTION_COUNT = 32;
/** Alert providers with proxies of their own share few proxies; the one that is not used for longest goes. */
const MAX_PROXY_COUNT = 16;

/**
 * Opens the way out: through `http_proxy` where it is set, except to the hosts of `no_proxy`.
 *
 * Plain requests are sent to the proxy in absolute form, not through a tunnel: a mesh's outbound proxy routes by them.
 * Redirects are followed; 307 and 308 send the body again, 301 to 303 go on with a GET, as in Go's client.
 */
export function createOutboundHttp(env: Readonly<Record<string, string | undefined>>): OutboundHttp {
  const follow = interceptors.redirect({ maxRedirections: MAX_REDIRECT_COUNT });
  const bases = [openBase(env, true), openBase(env, false)] as const;
  const proxies = new Map<string, { readonly base: ProxyAgent; readonly dispatcher: Dispatcher }>();
  return {
    dispatcher: bases[0].compose(follow),
    insecure: bases[1].compose(follow),
    through(proxyUrl) {
      let proxy = proxies.get(proxyUrl);
      if (proxy === undefined) {
        const base = new ProxyAgent({ uri: proxyUrl, proxyTunnel: false, factory: openPool });
        proxy = { base, dispatcher: base.compose(follow) };
      }
      proxies.delete(proxyUrl);
      proxies.set(proxyUrl, proxy);
      for (const [oldest, { base }] of proxies) {
        if (proxies.size <= MAX_PROXY_COUNT) break;
        proxies.delete(oldest);
        // Requests in flight end first.
        void base.close().catch(() => undefined);
      }
      return proxy.dispatcher;
    },
    // Requests in flight have had their time when this is called.
    close: async () =>
      void (await Promise.allSettled(
        [...bases, ...[...proxies.values()].map(({ base }) => base)].map((d) => d.destroy()),
      )),
  };
}

function openBase(env: Readonly<Record<string, string | undefined>>, rejectUnauthorized: boolean): Dispatcher {
  const tls = { rejectUnauthorized };
  const proxy = env.http_proxy ?? env.HTTP_PROXY ?? "";
  if (proxy === "") return new Agent({ connect: tls, connections: MAX_CONNECTION_COUNT });
  return new EnvHttpProxyAgent({
    httpProxy: proxy,
    httpsProxy: env.https_proxy ?? env.HTTPS_PROXY ?? "",
    noProxy: env.no_proxy ?? env.NO_PROXY ?? "",
    proxyTunnel: false,
    factory: openPool,
    connect: tls,
    requestTls: tls,
  });
}

/** Bounds the connections to a proxy; one must not be all, since a hook that takes long would hold up the others. */
function openPool(origin: string | URL, options: object): Dispatcher {
  return new Pool(origin, { connections: MAX_CONNECTION_COUNT, ...options });
}
