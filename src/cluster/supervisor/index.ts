export { type Supervisor, type SupervisorOptions, supervise } from "./supervisor.ts";
