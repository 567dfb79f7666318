import { type Canary, type KubeObject, resources } from "#api";
import { type PrometheusAnswer, type Rehearsal, startRehearsal } from "./rehearsal.ts";

/** A rehearsal with an API server of its own, which ends with it. For tests. */
export interface Scene extends Rehearsal {
  readonly kubeconfigPath: string;
  /** Gives the target `web` another image. */
  release(namespace: string, image?: string): Promise<void>;
}

/** Starts it on a server that is the scene's from then on; close it at the end. */
export async function openScene(
  server: { readonly kubeconfigPath: string; close(): Promise<void> },
  options: { readonly crds?: readonly KubeObject[]; readonly answer?: (query: string) => PrometheusAnswer } = {},
): Promise<Scene> {
  const rehearsal = await startRehearsal(server, options.crds === undefined ? undefined : { crds: options.crds });
  if (options.answer !== undefined) rehearsal.prometheus.answer = options.answer;
  const { close } = rehearsal;
  // The same object: what a test sets of it counts.
  return Object.assign(rehearsal, {
    kubeconfigPath: server.kubeconfigPath,
    async release(namespace: string, image = "podinfo:2") {
      const body = { spec: { template: { spec: { containers: [{ name: "web", image }] } } } };
      await rehearsal.client.patch(resources.deployments, { namespace, name: "web" }, { kind: "strategic", body });
    },
    async close() {
      await close();
      await server.close();
    },
  });
}

/** A Prometheus for which so many percent of the requests of namespaces called `bad-…` succeed, and all of the others. */
export function badAt(percent: number): (query: string) => PrometheusAnswer {
  return (query) => {
    if (query.includes("histogram_quantile")) return 12;
    return query.includes('namespace="bad-') ? percent : 100;
  };
}

export function isPhase(phase: string): (canary: Canary) => boolean {
  return ({ status }) => status?.phase === phase;
}

/** In a phase that a release ends in, and its target is at rest. */
export function isDone(phase: string): (canary: Canary) => boolean {
  return ({ status }) => status?.phase === phase && status.conditions?.some(({ type }) => type === "Draining") !== true;
}
