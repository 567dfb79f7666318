import {
  type Canary,
  type Deployment,
  type HorizontalPodAutoscaler,
  isControlledBy,
  ownerReferenceTo,
  type OwnerReference,
  type Service,
  splitKey,
  type DestinationRule,
  type VirtualService,
} from "#api";
import { namesOf, type RolloutNames } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import { primaryScalerName } from "../scalers/index.ts";
import {
  configRefs,
  type PrimaryPlan,
  primaryConfigName,
  revisionId,
  type SelectorLabel,
  selectorLabelOf,
  templateHash,
  type TrackedConfigs,
  trackedConfigsOf,
} from "../workloads/index.ts";

/** Everything about one Canary as the views have it, read at one moment. What is promoted is what stands here. */
export interface Snapshot {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly owner: OwnerReference;
  readonly target: Deployment | undefined;
  readonly primary: Deployment | undefined;
  readonly selector: SelectorLabel | undefined;
  readonly configs: TrackedConfigs | undefined;
  /** How the primary is made from the target; undefined without target or selector label. */
  readonly primaryPlan: PrimaryPlan | undefined;
  readonly templateHash: string | undefined;
  readonly scaler: HorizontalPodAutoscaler | undefined;
  readonly primaryScaler: HorizontalPodAutoscaler | undefined;
  readonly services: Readonly<Record<"apex" | "primary" | "canary", Service | undefined>>;
  readonly virtualService: VirtualService | undefined;
  readonly destinationRules: Readonly<Record<"primary" | "canary", DestinationRule | undefined>>;
}

/** Reads from the local copies only; undefined when the Canary is gone. */
export function read(key: string, context: OperatorContext): Snapshot | undefined {
  const { views } = context;
  const canary = views.canaries.get(splitKey(key));
  if (canary === undefined) return undefined;
  const names = namesOf(canary);
  const at = (name: string): { namespace: string; name: string } => ({ namespace: names.namespace, name });
  const target = names.targetKind === "Deployment" ? views.deployments.get(at(names.target)) : undefined;
  const owner = ownerReferenceTo(canary, { controller: true });
  const revision = readRevision({ canary, names, target, owner }, context);
  const scalerName = canary.spec?.autoscalerRef?.name;
  return {
    canary,
    names,
    owner,
    target,
    primary: views.deployments.get(at(names.primary)),
    ...revision,
    scaler: scalerName === undefined ? undefined : views.autoscalers.get(at(scalerName)),
    primaryScaler: scalerName === undefined ? undefined : views.autoscalers.get(at(primaryScalerName(scalerName))),
    services: {
      apex: views.services.get(at(names.apexService)),
      primary: views.services.get(at(names.primaryService)),
      canary: views.services.get(at(names.canaryService)),
    },
    virtualService: views.virtualServices.get(at(names.apexService)),
    destinationRules: {
      primary: views.destinationRules.get(at(names.primaryService)),
      canary: views.destinationRules.get(at(names.canaryService)),
    },
  };
}

type Revision = Pick<Snapshot, "selector" | "configs" | "primaryPlan" | "templateHash">;

/** What the target's pods are made of, and how a primary would be made of it. */
function readRevision(
  of: { canary: Canary; names: RolloutNames; target: Deployment | undefined; owner: OwnerReference },
  { settings, views }: OperatorContext,
): Revision {
  const { target, names } = of;
  if (target === undefined)
    return { selector: undefined, configs: undefined, primaryPlan: undefined, templateHash: undefined };
  const selector = selectorLabelOf(target, settings.selectorLabels);
  const configs = settings.tracksConfigs
    ? trackedConfigsOf(target, {
        configMap: (key) => views.configMaps.get(key),
        secret: (key) => views.secrets.get(key),
      })
    : undefined;
  const hash = templateHash(target);
  if (selector === undefined) return { selector, configs, primaryPlan: undefined, templateHash: hash };
  const primaryPlan: PrimaryPlan = {
    target,
    name: names.primary,
    selector,
    revisionId: revisionId(hash, configs?.checksums),
    trackedIds: new Set(Object.keys(configs?.checksums ?? {})),
    labelPrefixes: settings.labelPrefixes,
    selectorKeys: settings.selectorLabels,
    owner: of.owner,
    hasScaler: of.canary.spec.autoscalerRef !== undefined,
  };
  return { selector, configs, primaryPlan, templateHash: hash };
}

/** Names, as `kind/name`, of the objects of its namespace whose changes concern a Canary. */
export function dependenciesOf({ names, target, configs, canary }: Snapshot): string[] {
  const scaler = canary.spec?.autoscalerRef?.name;
  return [
    `Deployment/${names.target}`,
    `Deployment/${names.primary}`,
    ...[names.apexService, names.primaryService, names.canaryService].map((name) => `Service/${name}`),
    `VirtualService/${names.apexService}`,
    `DestinationRule/${names.primaryService}`,
    `DestinationRule/${names.canaryService}`,
    ...(scaler === undefined
      ? []
      : [`HorizontalPodAutoscaler/${scaler}`, `HorizontalPodAutoscaler/${primaryScalerName(scaler)}`]),
    ...(target === undefined || configs === undefined ? [] : configNames(target)),
  ];
}

function configNames(target: Deployment): string[] {
  return configRefs(target.spec.template.spec).flatMap(({ kind, name }) => [
    `${kind}/${name}`,
    `${kind}/${primaryConfigName(name)}`,
  ]);
}

/** Whether the primary Deployment is ours; a foreign one of that name is not touched. */
export function isOwnPrimary({ primary, canary }: Snapshot): boolean {
  return primary === undefined || isControlledBy(primary, canary) || primary.metadata.ownerReferences === undefined;
}
