export type { Environment, TimeSpan } from "./environment.ts";
export { ReleaseModel, type ReleaseOptions } from "./release-model.ts";
