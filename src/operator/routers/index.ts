export { planDestinationRule, planVirtualService, readWeights } from "./istio.ts";
export { newService, repairedService } from "./services.ts";
