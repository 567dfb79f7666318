import type { PodTemplateSpec, ScaledObject } from "#api";
import { type Clock, Failure, type Log } from "#base";
import type { TriggerSources, TriggerSourcesRequest } from "./auth/index.ts";
import { formulaOf } from "./plan/evaluation.ts";
import { TriggerSlot } from "./trigger-slot.ts";
import { TriggerConfig, type TriggerKind, type TriggerWorld } from "./triggers/index.ts";

/** What triggers are made with. */
export interface TriggerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly kinds: readonly TriggerKind[];
  readonly worldOf: (namespace: string) => TriggerWorld;
  /** Finds what a trigger's parameters are read from. */
  readonly resolveSources: (request: TriggerSourcesRequest) => Promise<TriggerSources>;
}

/**
 * Makes the places of a ScaledObject's triggers; none is built yet.
 *
 * @throws Failure `UnknownTrigger`, or `InvalidTrigger` for one that cannot be cached but shall be.
 */
export function createTriggerSlots(
  ports: TriggerPorts,
  of: {
    readonly scaledObject: ScaledObject;
    readonly podTemplate: PodTemplateSpec | undefined;
    readonly onActive: () => void;
    readonly onMetrics: () => void;
  },
): readonly TriggerSlot[] {
  const { scaledObject, podTemplate, onActive, onMetrics } = of;
  const { clock, log, signal } = ports;
  const { namespace = "", name = "" } = scaledObject.metadata;
  const { envSourceContainerName } = scaledObject.spec.scaleTargetRef;
  const kinds = scaledObject.spec.triggers.map((trigger) => kindOf(ports.kinds, trigger.type));
  return scaledObject.spec.triggers.map((trigger, index) => {
    const kind = kinds[index];
    if (kind === undefined) throw new Failure(`no scaler found for type: ${trigger.type}`, { code: "UnknownTrigger" });
    if (trigger.useCachedMetrics === true && !kind.canCache) {
      const message = `property "useCachedMetrics" is not supported for "${trigger.type}" triggers; remove it`;
      throw new Failure(message, { code: "InvalidTrigger" });
    }
    const build = async () => {
      const world = ports.worldOf(namespace);
      const of = { namespace, name, envSourceContainerName };
      const request = { scaledObject: of, trigger, podTemplate };
      const { podIdentity, ...sources } = await ports.resolveSources(request);
      const options = {
        type: trigger.type,
        index,
        scaledObject: { namespace, name },
        metricType: trigger.metricType,
        config: new TriggerConfig(trigger.type, sources),
        isFormulaInput: formulaOf(scaledObject.spec) !== undefined,
        podIdentity,
      };
      return kind.build(options, world);
    };
    return new TriggerSlot({ index, source: trigger, build, onActive, onMetrics, clock, log, signal });
  });
}

function kindOf(kinds: readonly TriggerKind[], type: string): TriggerKind | undefined {
  return kinds.find(({ types }) => types.includes(type));
}
