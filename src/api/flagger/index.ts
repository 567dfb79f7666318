export type * from "./alert-provider.ts";
export type * from "./canary.ts";
export type * from "./metric-template.ts";
