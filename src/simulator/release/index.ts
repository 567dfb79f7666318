export { DecideJudge, type DecideOptions } from "./decide-judge.ts";
export type { Environment, TimeSpan } from "./environment.ts";
export type { Moment } from "./moment.ts";
export { ReleaseModel, type ReleaseOptions } from "./release-model.ts";
