import type { PrinterColumn } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { buildCrd, type CrdBlueprint } from "./build-crd.ts";
import { scaledObjectSpec, scaledObjectStatus } from "./keda-scaled-object.ts";
import { triggerAuthenticationSpec, triggerAuthenticationStatus } from "./keda-trigger-authentication.ts";

function column(name: string, jsonPath: string, more: Partial<PrinterColumn> = {}): PrinterColumn {
  return { name, type: "string", jsonPath, ...more };
}

const conditionColumn = (type: string): PrinterColumn =>
  column(type, `.status.conditions[?(@.type=="${type}")].status`);

const scaledObjectColumns = [
  column("ScaleTargetKind", ".status.scaleTargetKind"),
  column("ScaleTargetName", ".spec.scaleTargetRef.name"),
  column("Min", ".spec.minReplicaCount", { type: "integer" }),
  column("Max", ".spec.maxReplicaCount", { type: "integer" }),
  ...["Ready", "Active", "Fallback", "Paused"].map(conditionColumn),
  column("Triggers", ".status.triggersTypes"),
  column("Authentications", ".status.authenticationsTypes"),
  column("Age", ".metadata.creationTimestamp", { type: "date" }),
];

function authenticationColumns(own: readonly PrinterColumn[]): readonly PrinterColumn[] {
  return [
    column("PodIdentity", ".spec.podIdentity.provider"),
    column("Secret", ".spec.secretTargetRef[*].name"),
    column("Env", ".spec.env[*].name"),
    ...own,
    column("VaultAddress", ".spec.hashiCorpVault.address"),
    column("ScaledObjects", ".status.scaledobjects", { priority: 1 }),
    column("ScaledJobs", ".status.scaledjobs", { priority: 1 }),
  ];
}

const family = {
  group: "keda.sh",
  versions: ["v1alpha1"],
  categories: [],
  isSpecRequired: true,
} as const satisfies Partial<CrdBlueprint>;

const blueprints: readonly CrdBlueprint[] = [
  {
    ...family,
    kind: "ScaledObject",
    shortNames: ["so"],
    description: "A workload and the triggers that decide how many replicas it has.",
    columns: scaledObjectColumns,
    spec: scaledObjectSpec,
    status: scaledObjectStatus,
  },
  {
    ...family,
    kind: "TriggerAuthentication",
    shortNames: ["ta", "triggerauth"],
    description: "Where triggers of the namespace get their credentials.",
    columns: authenticationColumns([]),
    spec: triggerAuthenticationSpec,
    status: triggerAuthenticationStatus,
  },
  {
    ...family,
    kind: "ClusterTriggerAuthentication",
    shortNames: ["cta", "clustertriggerauth"],
    isClusterScoped: true,
    description: "Where triggers of any namespace get their credentials.",
    columns: authenticationColumns([column("FilePath", ".spec.filePath")]),
    spec: triggerAuthenticationSpec,
    status: triggerAuthenticationStatus,
  },
];

/**
 * The CustomResourceDefinitions ScaledObject, TriggerAuthentication and ClusterTriggerAuthentication. ScaledJob is not among
 * them: there is no controller for jobs.
 *
 * Source: KEDA 2.20, `keda.sh/v1alpha1`.
 */
export function kedaCrds(): readonly KubeObject[] {
  return blueprints.map(buildCrd);
}
