import type { ConfigMap, PodTemplateSpec, Secret } from "#api";
import type { Log } from "#base";
import type { TriggerConfigSources } from "../triggers/index.ts";

/** What the resolution of a trigger's parameters needs of the world; objects come from local copies. */
export interface AuthWorld {
  readonly log: Log;
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
}

/** Which trigger of which ScaledObject, and the pods of the target. */
export interface TriggerSourcesRequest {
  readonly scaledObject: {
    readonly namespace: string;
    readonly name: string;
    readonly envSourceContainerName?: string | undefined;
  };
  readonly trigger: {
    readonly metadata?: Readonly<Record<string, string>> | undefined;
    readonly authenticationRef?: { readonly name?: string; readonly kind?: string } | undefined;
  };
  /** Absent for a target that makes no pods itself. */
  readonly podTemplate: PodTemplateSpec | undefined;
}

export type TriggerSources = TriggerConfigSources & { readonly podIdentity: string | undefined };

/** What a trigger's parameters are read from: its metadata. */
export async function resolveTriggerSources(
  { trigger }: TriggerSourcesRequest,
  _world: AuthWorld,
): Promise<TriggerSources> {
  return { metadata: trigger.metadata ?? {}, env: {}, auth: {}, podIdentity: undefined };
}
