/** What names of Services are resolved with. */
export interface ServiceAddresses {
  service(namespace: string, name: string): { readonly clusterIP?: string; readonly externalName?: string } | undefined;
  /** Addresses of the ready endpoints of a Service. */
  endpoints(namespace: string, name: string): readonly string[];
}

/** The names that a pod's resolver would try, as it searches its own namespace. Source: Kubernetes DNS for Services. */
const SUFFIX = /^(?:svc(?:\.cluster(?:\.local)?)?)?$/;

/**
 * The address behind a host name as a pod of the namespace would resolve it: `redis`, `redis.shop`, `redis.shop.svc` and
 * `redis.shop.svc.cluster.local` give the address of the Service, of one without address its first endpoint's. Anything else
 * comes back as it is.
 */
export function resolveHost(host: string, namespace: string, addresses: ServiceAddresses): string {
  const [name = "", of = namespace, ...rest] = host.toLowerCase().replace(/\.$/, "").split(".");
  if (!SUFFIX.test(rest.join("."))) return host;
  const service = addresses.service(of, name);
  if (service === undefined) return host;
  if (service.externalName !== undefined && service.externalName !== "") return service.externalName;
  const { clusterIP = "None" } = service;
  if (clusterIP !== "None" && clusterIP !== "") return clusterIP;
  return addresses.endpoints(of, name)[0] ?? host;
}
