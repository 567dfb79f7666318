import type { KubeObject, LabelSelector, PodTemplateSpec, Resource } from "#api";
import type { Problem } from "#base";
import type { WorkloadKind, WorkloadObservation } from "#rollout";
import { isPromoted, matchesTarget, type PrimaryPlan } from "./primary-template.ts";
import { selectorLabelOf } from "./selector.ts";
import { revisionId, templateHash } from "./template-hash.ts";
import { trackedConfigsOf } from "./tracked-configs.ts";
import type { Workload, WorkloadSource } from "./workload.ts";

/** A kind whose objects make pods from a template. */
export interface PodKind<T extends KubeObject> {
  readonly kind: WorkloadKind;
  readonly resource: Resource;
  /** The template as a revision is told by it and the primary is made from it. */
  templateOf(object: T): PodTemplateSpec;
  /** Why the target cannot be released as it is. */
  problemsOf(target: T): readonly Problem[];
  observe(object: T): WorkloadNumbers;
  newPrimary(target: T, plan: PrimaryPlan): T;
  /** Undefined when the live one is so already. */
  promotedPrimary(live: T, target: T, plan: PrimaryPlan): T | undefined;
  /** Merge patch; undefined when the target has that many. */
  scale(target: T, replicaCount: number): object | undefined;
}

export type WorkloadNumbers = Omit<WorkloadObservation, "kind" | "name" | "templateHash">;

/** An object of a kind with pods, as far as the parts that all have are concerned. */
interface PodObject extends KubeObject {
  readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplateSpec };
}

/** Reads a target and its primary of a kind with pods. */
export function readPodWorkload<T extends PodObject>(
  kind: PodKind<T>,
  objects: { readonly target: T | undefined; readonly primary: T | undefined },
  source: WorkloadSource,
): Workload {
  const { target, primary } = objects;
  const { settings, names } = source;
  const template = target === undefined ? undefined : kind.templateOf(target);
  const hash = template === undefined ? undefined : templateHash(template);
  const selector = target === undefined ? undefined : selectorLabelOf(target, settings.selectorLabels);
  const configs =
    target === undefined || !settings.tracksConfigs ? undefined : trackedConfigsOf(target, source.configs);
  const plan: PrimaryPlan | undefined =
    target === undefined || template === undefined || selector === undefined || hash === undefined
      ? undefined
      : {
          target,
          template,
          name: names.primary,
          selector,
          revisionId: revisionId(hash, configs?.checksums),
          trackedIds: new Set(Object.keys(configs?.checksums ?? {})),
          labelPrefixes: settings.labelPrefixes,
          selectorKeys: settings.selectorLabels,
          owner: source.owner,
          hasScaler: source.canary.spec?.autoscalerRef !== undefined,
        };
  const named = (object: T): Pick<WorkloadObservation, "kind" | "name"> => ({
    kind: kind.kind,
    name: object.metadata.name ?? "",
  });
  return {
    ...kind,
    target,
    primary,
    template,
    selector,
    configs,
    templateHash: hash,
    problems: target === undefined ? [] : [...labelProblems(target, source), ...kind.problemsOf(target)],
    observeTarget() {
      if (target === undefined || hash === undefined) return undefined;
      return { ...named(target), templateHash: hash, ...kind.observe(target) };
    },
    observePrimary() {
      if (primary === undefined) return undefined;
      const made = kind.templateOf(primary);
      return {
        ...named(primary),
        templateHash: "",
        ...kind.observe(primary),
        matchesTarget: plan !== undefined && matchesTarget(made, plan),
        isPromoted: plan !== undefined && isPromoted(made, plan.revisionId),
      };
    },
    newPrimary: () => (target === undefined || plan === undefined ? undefined : kind.newPrimary(target, plan)),
    promotedPrimary: () =>
      target === undefined || plan === undefined || primary === undefined
        ? undefined
        : kind.promotedPrimary(primary, target, plan),
    scale: (replicaCount) => (target === undefined ? undefined : kind.scale(target, replicaCount)),
  };
}

function labelProblems(target: PodObject, { settings, names }: WorkloadSource): Problem[] {
  if (selectorLabelOf(target, settings.selectorLabels) !== undefined) return [];
  return [
    {
      path: `${target.kind.toLowerCase()} ${names.targetRef} spec.selector.matchLabels`,
      code: "missing-label",
      message: `must contain one of [${settings.selectorLabels.join(",")}]`,
      fix: "label the pods with one of these keys, or name your key in -selector-labels",
    },
  ];
}
