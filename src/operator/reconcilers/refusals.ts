import { type Canary, keyOf, type Resource, resources } from "#api";
import type { Problem } from "#base";
import { namesOf, type RolloutNames } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import { routerOf, routers } from "../routers/index.ts";
import { scalerResource } from "../scalers/index.ts";
import { hasScaledObjects } from "./scaler-scene.ts";

/**
 * Why a Canary is not to be worked on at all: whatever a decision would ask for could not be done, or would fight with
 * somebody. Its objects and its phase stay as they are.
 *
 * Looked at each time, so that a later edit is held to the same rules (Flagger checks when it first sees an object).
 */
export async function refusalsOf(canary: Canary, context: OperatorContext): Promise<readonly Problem[]> {
  const problems = duplicateProblems(canary, context);
  const provider = providerOf(canary, context);
  const router = routerOf(provider);
  if (router === undefined) return [...problems, unknownProvider(provider, canary)];
  const scaler = scalerResource(canary);
  const unusable = await context.views.further.open([...router.resources, ...(scaler === undefined ? [] : [scaler])]);
  await openScaledObjects(canary, context);
  return [
    ...problems,
    ...unusable.map(({ resource, message, fix }) => ({
      path: isSame(resource, scaler) ? "spec.autoscalerRef.kind" : "spec.provider",
      code: "not-served",
      message: `"${isSame(resource, scaler) ? resource.kind : provider}" cannot be used: ${message}`,
      fix,
    })),
  ];
}

/** Who works on a copy is seen although the Canary names no ScaledObject; one that cannot be read is no reason to refuse. */
async function openScaledObjects(canary: Canary, { views }: OperatorContext): Promise<void> {
  const names = namesOf(canary);
  if (views.of(resources.scaledObjects) !== undefined) return;
  if (hasScaledObjects(names, views.autoscalers.list(names.namespace)))
    await views.further.open([resources.scaledObjects]);
}

/** The name of what shifts the traffic of a Canary. */
export function providerOf(canary: Canary, { settings }: Pick<OperatorContext, "settings">): string {
  return canary.spec?.provider || settings.meshProvider;
}

function isSame(one: Resource, other: Resource | undefined): boolean {
  return one.kind === other?.kind && one.group === other.group;
}

function unknownProvider(provider: string, canary: Canary): Problem {
  const known = routers.flatMap((router) => router.providers).join(", ");
  const isOfFlag = (canary.spec?.provider ?? "") === "";
  return {
    path: "spec.provider",
    code: "unsupported",
    message: `the provider "${provider}"${isOfFlag ? ", which -mesh-provider names," : ""} is not executed`,
    fix: `set it to one of ${known}`,
  };
}

/** Id of a target in the index of dependencies: who releases it must hear of others that do. */
export function targetId(names: RolloutNames): string {
  return `target ${names.targetKind}/${names.target}`;
}

/** Of Canaries with one target the oldest works; two would undo each other's routes for ever. */
function duplicateProblems(canary: Canary, { views }: OperatorContext): Problem[] {
  const names = namesOf(canary);
  const id = targetId(names);
  const elders = views.canaries
    .list(names.namespace)
    // The plain comparison first: a namespace may hold thousands.
    .filter((other) => other.spec?.targetRef?.name === canary.spec?.targetRef?.name && other !== canary)
    .filter((other) => keyOf(other) !== keyOf(canary) && targetId(namesOf(other)) === id && isOlder(other, canary));
  const elder = elders.reduce<Canary | undefined>(
    (oldest, other) => (oldest === undefined || isOlder(other, oldest) ? other : oldest),
    undefined,
  );
  if (elder === undefined) return [];
  return [
    {
      path: "spec.targetRef",
      code: "duplicate-target",
      message: `the ${names.targetKind} "${names.targetRef}" is released by the older Canary "${namesOf(elder).canaryRef}" already`,
      fix: "delete one of the two Canaries, or name another target",
    },
  ];
}

function isOlder(a: Canary, b: Canary): boolean {
  const key = ({ metadata }: Canary): string => `${metadata.creationTimestamp ?? ""} ${metadata.name ?? ""}`;
  return key(a) < key(b);
}
