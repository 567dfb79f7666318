import type { KindDefinition } from "../kind.ts";
import { between, int32, int64, struct, text, time, withDefault } from "../schema/build.ts";
import { type BuiltinGroup, builtinKind } from "./builtin-kind.ts";

/** The HorizontalPodAutoscaler of `autoscaling/v1`, which knows CPU only. Objects are stored as `autoscaling/v2`. */

const group: BuiltinGroup = { group: "autoscaling", version: "v1", definitions: "io.k8s.api.autoscaling.v1" };
const v1 = (name: string): string => `${group.definitions}.${name}`;

/** Kinds of `autoscaling/v1`. */
export const autoscalingV1Kinds: readonly KindDefinition[] = [
  builtinKind(group, {
    kind: "HorizontalPodAutoscaler",
    shortNames: ["hpa"],
    categories: ["all"],
    fields: {
      spec: struct(
        v1("HorizontalPodAutoscalerSpec"),
        {
          scaleTargetRef: struct(v1("CrossVersionObjectReference"), { kind: text, name: text, apiVersion: text }, [
            "kind",
            "name",
          ]),
          minReplicas: withDefault(1, between(1, undefined, int32)),
          maxReplicas: int32,
          targetCPUUtilizationPercentage: between(1, undefined, int32),
        },
        ["scaleTargetRef"],
      ),
      status: struct(v1("HorizontalPodAutoscalerStatus"), {
        observedGeneration: int64,
        lastScaleTime: time,
        currentReplicas: int32,
        desiredReplicas: int32,
        currentCPUUtilizationPercentage: int32,
      }),
    },
  }),
];
