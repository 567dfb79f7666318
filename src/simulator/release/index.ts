export { DecideJudge, type DecideOptions } from "./decide-judge.ts";
export type { Environment, Incidents, TimeSpan } from "./environment.ts";
export type { Moment } from "./moment.ts";
export { ReleaseModel, type ReleaseOptions, type StandingWeight } from "./release-model.ts";
