import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { Failure } from "#base";
import type { KubeConfig } from "./kube-config.ts";

/** Source: Kubernetes, "Accessing the API from within a Pod". */
const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Reads what a pod gets: the server from KUBERNETES_SERVICE_HOST and _PORT, authority, namespace and token from the service
 * account's directory (the argument, else SERIN_SERVICE_ACCOUNT_DIR, else the path that Kubernetes mounts).
 *
 * @throws Failure `NotInCluster` when a variable or a file is missing.
 */
export async function loadInClusterConfig(
  directory?: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<KubeConfig> {
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (!host || !port) {
    throw new Failure(
      "Cannot find the API server of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; run in a pod, or pass a kubeconfig",
      { code: "NotInCluster" },
    );
  }
  const folder = directory ?? env.SERIN_SERVICE_ACCOUNT_DIR ?? SERVICE_ACCOUNT_DIRECTORY;
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    namespace: (await readEntry(folder, "namespace")).trim(),
    origin: `the service account in "${folder}"`,
    caPem: await readEntry(folder, "ca.crt"),
    caPath: join(folder, "ca.crt"),
    credentials: { kind: "tokenFile", path: join(folder, "token") },
  };
}

async function readEntry(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Failure(`Cannot read "${path}" of the pod's service account`, { code: "NotInCluster", cause });
  }
}
