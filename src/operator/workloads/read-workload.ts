import type { DaemonSet, Deployment, Service } from "#api";
import type { View } from "../views/index.ts";
import { readCoreService } from "./core-service.ts";
import { daemonSetKind } from "./daemon-set.ts";
import { deploymentKind } from "./deployment.ts";
import { readPodWorkload } from "./pod-workload.ts";
import type { Workload, WorkloadSource } from "./workload.ts";

export interface WorkloadViews {
  readonly deployments: View<Deployment>;
  readonly daemonSets: View<DaemonSet>;
  readonly services: View<Service>;
}

/** Reads the target and the primary of a Canary; undefined for a kind that cannot be released. */
export function readWorkload(views: WorkloadViews, source: WorkloadSource): Workload | undefined {
  const { namespace, target, primary, targetKind } = source.names;
  const both = <T>(get: (key: { namespace: string; name: string }) => T | undefined) => ({
    target: get({ namespace, name: target }),
    primary: get({ namespace, name: primary }),
  });
  switch (targetKind) {
    case "Deployment":
      return readPodWorkload(deploymentKind, both(views.deployments.get), source);
    case "DaemonSet":
      return readPodWorkload(daemonSetKind, both(views.daemonSets.get), source);
    case "Service":
      return readCoreService(both(views.services.get), source);
    default:
      return undefined;
  }
}
