import { Failure } from "#base";
import type { CallOptions, KubeClient, RawRequest } from "./client.ts";
import type { LeaseElector } from "./lease-elector.ts";

/** A client whose writes can be waited for. */
export interface FencedClient extends KubeClient {
  /** Resolves when no write is under way; the lease must not be given back before. Bounded by the time each write has. */
  settled(): Promise<void>;
}

/**
 * A client that writes only while its elector leads. Each write is checked at the moment of its sending, after any wait for
 * the rate limit, and has to end before another process could lead. Reads are not touched.
 */
export function createFencedClient(
  client: KubeClient,
  elector: Pick<LeaseElector, "isLeader" | "writeTimeMs">,
): FencedClient {
  const underWay = new Set<Promise<unknown>>();

  function beforeSend(): void {
    if (elector.isLeader) return;
    throw new Failure("Cannot write: this process does not lead any more", { code: "NotLeader" });
  }
  const fenced = <O extends CallOptions>(options: O | undefined) => {
    const timeoutMs = Math.min(options?.timeoutMs ?? Number.POSITIVE_INFINITY, elector.writeTimeMs);
    return { ...options, timeoutMs, beforeSend };
  };
  function track<T>(write: Promise<T>): Promise<T> {
    underWay.add(write);
    const forget = (): void => void underWay.delete(write);
    write.then(forget, forget);
    return write;
  }
  return {
    server: client.server,
    get: (...args) => client.get(...args),
    list: (...args) => client.list(...args),
    create: (resource, object, options) => track(client.create(resource, object, fenced(options))),
    update: (resource, object, options) => track(client.update(resource, object, fenced(options))),
    patch: (resource, key, patch) => track(client.patch(resource, key, { ...patch, options: fenced(patch.options) })),
    apply: (resource, object, options) => track(client.apply(resource, object, { ...options, ...fenced(options) })),
    delete: (resource, key, options) => track(client.delete(resource, key, fenced(options))),
    raw: (request: RawRequest) =>
      (request.method ?? "GET") === "GET" ? client.raw(request) : track(client.raw({ ...request, beforeSend })),
    async settled() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    close: () => client.close(),
  };
}
