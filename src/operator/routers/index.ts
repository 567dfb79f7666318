export { type IstioPlan, planDestinationRule, planVirtualService, readWeights } from "./istio.ts";
export { newService, repairedService, type ServicePlan } from "./services.ts";
