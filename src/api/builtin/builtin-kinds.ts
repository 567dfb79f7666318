import type { KindDefinition } from "../kind.ts";
import { appsKinds } from "./apps.ts";
import { autoscalingKinds } from "./autoscaling.ts";
import { autoscalingV1Kinds } from "./autoscaling-v1.ts";
import { batchKinds } from "./batch.ts";
import { coreKinds } from "./core.ts";
import { customResourceDefinitionKind } from "./custom-resource-definition.ts";
import { networkingKinds } from "./networking.ts";
import { policyKinds } from "./policy.ts";
import { serviceKinds } from "./service.ts";

/** Every kind that the API server serves without a CustomResourceDefinition. */
export const builtinKinds: readonly KindDefinition[] = [
  ...coreKinds,
  ...serviceKinds,
  ...appsKinds,
  ...autoscalingKinds,
  ...autoscalingV1Kinds,
  ...batchKinds,
  ...networkingKinds,
  ...policyKinds,
  customResourceDefinitionKind,
];

export { scaleSchema } from "./autoscaling.ts";
