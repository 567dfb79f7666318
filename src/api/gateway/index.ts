export type * from "./http-route.ts";
