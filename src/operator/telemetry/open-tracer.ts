import { Failure, type Log } from "#base";
import { silentTracer, type Tracer } from "./tracer.ts";

/**
 * Opens the tracer for an OTLP endpoint (empty: none). OpenTelemetry's code is loaded only when there is one.
 *
 * @throws Failure `OtlpEndpointInvalid` for what is no http URL.
 */
export async function openTracer(options: {
  /** Base URL of a collector, such as `http://collector:4318`; spans go to `/v1/traces` below it. */
  readonly endpoint: string;
  readonly version: string;
  readonly log: Log;
}): Promise<Tracer> {
  const { endpoint } = options;
  if (endpoint === "") return silentTracer;
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
    const advice =
      "write an http or https URL in -otlp-endpoint or OTEL_EXPORTER_OTLP_ENDPOINT, such as http://collector:4318";
    throw new Failure(`Cannot send traces to "${endpoint}": ${advice}`, { code: "OtlpEndpointInvalid" });
  }
  const { createOtlpTracer } = await import("./otlp-tracer.ts");
  return createOtlpTracer({ ...options, url: `${endpoint.replace(/\/+$/, "")}/v1/traces` });
}
