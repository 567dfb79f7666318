export type * from "./scaled-object.ts";
export type * from "./trigger-authentication.ts";
