import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";

/**
 * Name resolution for sockets of a client: names of the cluster's Services, then the machine's own. Done here rather than
 * by writing addresses into the client's options, so that TLS still checks the name and servers may refer to each other
 * by name.
 */
export function lookupIn(
  { resolve }: { resolve(host: string, namespace: string): string },
  namespace: string,
): LookupFunction {
  return (hostname, options, callback) => lookup(resolve(hostname, namespace), options, callback);
}
