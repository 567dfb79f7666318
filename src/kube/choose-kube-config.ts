import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { Failure } from "#base";
import { loadInClusterConfig } from "./in-cluster-config.ts";
import type { KubeConfig } from "./kube-config.ts";
import { loadKubeconfig } from "./kubeconfig-file.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Finds the cluster that a program is meant to talk to: the kubeconfig that it was told; else, in a pod, the pod's service
 * account; else the files of KUBECONFIG; else `~/.kube/config`. `origin` of the result says which it was.
 *
 * @throws Failure `NotInCluster` when there is none of them.
 *
 * The service account comes before KUBECONFIG, because Flagger in a pod uses nothing else, and a variable that a shell or
 * an image left behind must not send the operator to another cluster.
 */
export async function chooseKubeConfig(kubeconfigPath: string, env: Environment): Promise<KubeConfig> {
  if (kubeconfigPath !== "") return loadKubeconfig(kubeconfigPath);
  if (env.KUBERNETES_SERVICE_HOST) return loadInClusterConfig(undefined, env);
  const listed = (env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  if (listed.length > 0) return loadKubeconfig(listed);
  const path = join(env.HOME ?? homedir(), ".kube", "config");
  if (existsSync(path)) return loadKubeconfig(path);
  const what = `this is no pod (KUBERNETES_SERVICE_HOST is not set), KUBECONFIG is empty and "${path}" does not exist`;
  throw new Failure(`Cannot find a cluster: ${what}; pass a kubeconfig`, { code: "NotInCluster" });
}
