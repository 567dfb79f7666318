export type * from "./destination-rule.ts";
export type * from "./gateway.ts";
export type * from "./service-entry.ts";
export type * from "./telemetry.ts";
export type * from "./virtual-service.ts";
