import type { Clock, Log, Random } from "#base";
import type { AdmissionReviewer } from "../admission.ts";
import type { MetricApis } from "../metric-apis.ts";
import type { NodeApi } from "../node-api.ts";
import type { Store } from "../store/index.ts";
import type { Tokens } from "./auth/tokens.ts";
import type { OpenApiDocuments } from "./openapi/openapi-documents.ts";
import type { ProtobufDecoder } from "./protobuf/index.ts";
import type { Registry } from "./registry/registry.ts";
import type { ServiceAddresses } from "./write/service-addresses.ts";

/** What every request handler shares. */
export interface ServerContext {
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly openApi: OpenApiDocuments;
  readonly protobuf: ProtobufDecoder;
  readonly addresses: ServiceAddresses;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The node that runs the pods, once it is attached. */
  node(): NodeApi | undefined;
  /** Who has the metrics of objects and of what is outside, once attached. */
  metrics(): MetricApis | undefined;
  /** Who judges writes, once attached. */
  admission(): readonly AdmissionReviewer[];
  /** Aborts when the server closes; ends watches and followed logs. */
  readonly closing: AbortSignal;
}
