export {
  type Encounter,
  type NamedFault,
  type Progress,
  type Rehearsal,
  type RehearsalPlan,
  type RehearsedCase,
  rehearse,
} from "./rehearse.ts";
export { type SimulableCanary, simulableCanary } from "./simulable-canary.ts";
