import type { Canary, KubeObject, OwnerReference, PodTemplateSpec, Resource } from "#api";
import type { Problem } from "#base";
import type { PrimaryObservation, RolloutNames, WorkloadKind, WorkloadObservation } from "#rollout";
import type { SelectorLabel } from "./selector.ts";
import type { ConfigSource, TrackedConfigs } from "./tracked-configs.ts";

/**
 * The target and the primary of one Canary as they stand, whatever their kind: what a decision sees of them, and the
 * objects that would bring them further. It plans and never writes.
 */
export interface Workload {
  readonly kind: WorkloadKind;
  readonly resource: Resource;
  readonly target: KubeObject | undefined;
  readonly primary: KubeObject | undefined;
  /** The target's pods, for their ports and configs; undefined without a target, and for a kind without pods. */
  readonly template: PodTemplateSpec | undefined;
  readonly selector: SelectorLabel | undefined;
  readonly configs: TrackedConfigs | undefined;
  /** What tells a revision from another; undefined without a target. */
  readonly templateHash: string | undefined;
  /** What the user must mend about the target. */
  readonly problems: readonly Problem[];
  observeTarget(): WorkloadObservation | undefined;
  observePrimary(): PrimaryObservation | undefined;
  /** The primary as it is first created; undefined when it cannot be made. */
  newPrimary(): KubeObject | undefined;
  /** The live primary with the target's present revision; undefined when it has it. */
  promotedPrimary(): KubeObject | undefined;
  /** Merge patch of the target after which it has this many pods; undefined when it has. */
  scale(replicaCount: number): object | undefined;
}

/** What any kind of workload is read with. */
export interface WorkloadSource {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly owner: OwnerReference;
  readonly configs: ConfigSource;
  readonly settings: WorkloadSettings;
}

export interface WorkloadSettings {
  readonly selectorLabels: readonly string[];
  readonly labelPrefixes: readonly string[];
  readonly tracksConfigs: boolean;
}
