/** The address that programs of a pod listen on and mean by `localhost`. */
export function podAddress(env: Readonly<Record<string, string | undefined>>): string {
  return env.SERIN_POD_IP ?? "127.0.0.1";
}

/** Replaces the host `localhost` by the pod's own address: each pod has one, but all share the machine's loopback. */
export function withPodHost(host: string, env: Readonly<Record<string, string | undefined>>): string {
  return host === "localhost" ? podAddress(env) : host;
}
