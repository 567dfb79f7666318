import type { PodTemplateSpec } from "#api";
import type { ScaledObject, ScaledObjectTrigger } from "../scaled-object.ts";
import type { TriggerConfigSources, TriggerWorld } from "../triggers/index.ts";

/** A trigger and what its parameters may come from. */
export interface TriggerReference {
  readonly scaledObject: ScaledObject;
  readonly trigger: ScaledObjectTrigger;
  readonly podTemplate: PodTemplateSpec | undefined;
}

export interface ResolvedTriggerSources extends TriggerConfigSources {
  readonly podIdentity: string | undefined;
}

/** What a trigger's parameters are read from: its metadata. */
export async function resolveTriggerSources(
  { trigger }: TriggerReference,
  _world: TriggerWorld,
): Promise<ResolvedTriggerSources> {
  return { metadata: trigger.metadata, env: {}, auth: {}, podIdentity: undefined };
}
