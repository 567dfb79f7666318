import { type Dispatcher, Pool, ProxyAgent } from "undici";
import { type Identity, isSameTls, type TlsMaterial } from "./identity.ts";
import type { KubeConfig } from "./kube-config.ts";

/** Connections for requests that end soon. */
const REQUEST_CONNECTION_COUNT = 16;
/** Connections for watches and followed logs, each of which holds one: one for each kind that is watched, with room. */
const STREAM_CONNECTION_COUNT = 256;
const CONNECT_TIMEOUT_MS = 10_000;

/** Connections to one server, made with the certificates of the moment. */
export interface Connections {
  /** The pool for a request of this identity. */
  of(identity: Identity, use: "request" | "stream"): Dispatcher;
  /** Ends all, and with them every request and stream. */
  close(): Promise<void>;
}

interface PoolPair {
  readonly tls: TlsMaterial;
  readonly request: Dispatcher;
  readonly stream: Dispatcher;
}

/**
 * Keeps two bounded pools, because a watch holds its connection for minutes and would starve the rest.
 *
 * When the certificates change, a new pair takes over at once; the old one ends when what runs over it is done, which for
 * a watch is some minutes.
 */
export function createConnections(config: KubeConfig): Connections {
  const open = new Set<Dispatcher>();
  let pair: PoolPair | undefined;

  function openPair(tls: TlsMaterial): PoolPair {
    const pools = {
      tls,
      request: openPool(config, tls, REQUEST_CONNECTION_COUNT),
      stream: openPool(config, tls, STREAM_CONNECTION_COUNT),
    };
    open.add(pools.request).add(pools.stream);
    return pools;
  }

  function retire(pool: Dispatcher): void {
    const forget = (): void => void open.delete(pool);
    pool.close().then(forget, forget);
  }

  return {
    of(identity, use) {
      if (pair === undefined || !isSameTls(pair.tls, identity.tls)) {
        if (pair !== undefined) [pair.request, pair.stream].forEach(retire);
        pair = openPair(identity.tls);
      }
      return pair[use];
    },
    async close() {
      await Promise.all([...open].map((pool) => pool.destroy()));
    },
  };
}

function openPool(config: KubeConfig, tls: TlsMaterial, connections: number): Dispatcher {
  const connect = {
    timeout: CONNECT_TIMEOUT_MS,
    ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
    ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
    ...(config.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
    ...(tls.certificatePem === undefined ? {} : { cert: tls.certificatePem, key: tls.keyPem }),
  };
  const limits = { connections, pipelining: 1 } as const;
  if (config.proxyUrl === undefined) return new Pool(new URL(config.server).origin, { ...limits, connect });
  // A plain server is asked in the proxy's absolute form: many proxies open tunnels to port 443 only.
  return new ProxyAgent({ ...limits, uri: config.proxyUrl, requestTls: connect, proxyTunnel: false });
}
