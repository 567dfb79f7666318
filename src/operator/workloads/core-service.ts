import { createHash } from "node:crypto";
import { type OwnerReference, resources, type Service, type ServicePort } from "#api";
import { canonicalJson, deepEqual } from "#base";
import { includedOnly, withoutToolkit } from "./metadata.ts";
import type { WorkloadNumbers } from "./pod-workload.ts";
import type { Workload, WorkloadSource } from "./workload.ts";

/**
 * A core Service as the target of a release: two copies of it lead to what it leads to before and after a change. There
 * are no pods to count or to scale. Source: flagger-spec 3.4.
 */
export function readCoreService(
  objects: { readonly target: Service | undefined; readonly primary: Service | undefined },
  { names, owner, settings, canary }: WorkloadSource,
): Workload {
  const { target, primary } = objects;
  const hash = target === undefined ? undefined : serviceHash(target);
  const copy = { owner, labelPrefixes: settings.labelPrefixes };
  const isSame =
    target !== undefined && primary !== undefined && deepEqual(ownSpec(target.spec), ownSpec(primary.spec));
  const apex = canary.spec?.service?.name ?? names.target;
  return {
    kind: "Service",
    resource: resources.services,
    target,
    primary,
    template: undefined,
    selector: undefined,
    configs: undefined,
    templateHash: hash,
    problems:
      apex === names.target || apex === ""
        ? []
        : [
            {
              path: "spec.service.name",
              code: "invalid-value",
              message: `must be "${names.target}" like the target, received "${apex}": routes lead to copies of the target`,
              fix: "remove it",
            },
          ],
    observeTarget: () =>
      target === undefined ? undefined : { kind: "Service", name: names.target, templateHash: hash ?? "", ...ALWAYS },
    observePrimary: () =>
      primary === undefined
        ? undefined
        : {
            kind: "Service",
            name: names.primary,
            templateHash: "",
            ...ALWAYS,
            matchesTarget: isSame,
            isPromoted: isSame,
          },
    newPrimary: () => (target === undefined ? undefined : newServiceCopy(target, names.primary, copy)),
    promotedPrimary: () =>
      target === undefined || primary === undefined ? undefined : syncedServiceCopy(primary, target, copy),
    scale: () => undefined,
  };
}

export interface ServiceCopyOptions {
  readonly owner: OwnerReference;
  readonly labelPrefixes: readonly string[];
}

/** A copy of the target under another name. */
export function newServiceCopy(target: Service, name: string, options: ServiceCopyOptions): Service {
  const { namespace, labels, annotations } = target.metadata;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: withoutToolkit(labels),
      annotations: withoutToolkit(annotations),
      ownerReferences: [options.owner],
    },
    spec: ownSpec(target.spec),
  };
}

/** The live copy brought in step with the target; undefined when it is: Flagger writes it at every look. */
export function syncedServiceCopy(live: Service, target: Service, options: ServiceCopyOptions): Service | undefined {
  const labels = { ...live.metadata.labels, ...includedOnly(target.metadata.labels, options.labelPrefixes) };
  const { annotations } = target.metadata;
  const notes = { ...live.metadata.annotations, ...includedOnly(annotations, options.labelPrefixes) };
  const isSame =
    deepEqual(ownSpec(live.spec), ownSpec(target.spec)) &&
    deepEqual(labels, live.metadata.labels ?? {}) &&
    deepEqual(notes, live.metadata.annotations ?? {});
  if (isSame) return undefined;
  const spec = { ...assignedSpec(live.spec), ...ownSpec(target.spec) };
  return { ...live, metadata: { ...live.metadata, labels, annotations: notes }, spec };
}

/** There is nothing to wait for. */
const ALWAYS: WorkloadNumbers = {
  desiredCount: 1,
  generation: 0,
  observedGeneration: 0,
  replicaCount: 1,
  updatedCount: 1,
  readyCount: 1,
  availableCount: 1,
};

/** Like the hash of a template, of what the user wrote: addresses are the cluster's, and another one is no new revision. */
export function serviceHash({ spec }: Service): string {
  return `s${createHash("sha256")
    .update(canonicalJson(ownSpec(spec)))
    .digest("hex")
    .slice(0, 16)}`;
}

/** Fields that the cluster assigns, and that no two Services can share. */
const ASSIGNED = ["clusterIP", "clusterIPs", "healthCheckNodePort"];

function ownSpec(spec: Service["spec"]): Service["spec"] {
  const isHeadless = spec.clusterIP === "None";
  const own = Object.fromEntries(Object.entries(spec).filter(([field]) => !ASSIGNED.includes(field)));
  return {
    ...own,
    ...(isHeadless ? { clusterIP: "None" } : {}),
    ...(spec.ports === undefined ? {} : { ports: spec.ports.map(withoutNodePort) }),
  };
}

function withoutNodePort(port: ServicePort): ServicePort {
  const { nodePort: _, ...own } = port;
  return own;
}

function assignedSpec(spec: Service["spec"]): Partial<Service["spec"]> {
  return Object.fromEntries(Object.entries(spec).filter(([field]) => ASSIGNED.includes(field)));
}
