export type { Alert, AlertField, AlertRelay } from "./alert.ts";
