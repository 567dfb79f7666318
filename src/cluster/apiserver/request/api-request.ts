import type { User } from "../auth/tokens.ts";
import type { Endpoint } from "../registry/endpoint.ts";
import type { Format } from "./negotiate.ts";
import type { ResourceTarget } from "./parse-target.ts";
import type { Body } from "./read-body.ts";

/** A request for a resource that is served, after the stages that do not depend on the verb. */
export interface ApiRequest {
  readonly endpoint: Endpoint;
  readonly target: ResourceTarget;
  readonly query: URLSearchParams;
  readonly user: User;
  readonly userAgent: string;
  readonly format: Format;
  readonly body: Body;
  /** Texts for Warning headers; stages add to it. */
  readonly warnings: string[];
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
}
