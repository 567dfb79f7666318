export type * from "./alert.ts";
export { createAlertRelay, type AlertRelayOptions } from "./alert-relay.ts";
export { alertProblems } from "./alert-problems.ts";
export { alertFields } from "./fields.ts";
export { type GlobalAlertSettings, globalAlertSettings } from "./global-settings.ts";
export type { AlertLookups } from "./receiver.ts";
