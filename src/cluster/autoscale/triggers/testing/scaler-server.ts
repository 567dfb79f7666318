import { createRequire } from "node:module";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from "@grpc/grpc-js";

/**
 * For tests: an external scaler on the library that most such servers are written with. Its messages are coded by protobuf's
 * own library, which comes with gRPC's, so that nothing of the code under test codes them.
 */
const string = (id: number) => ({ type: "string", id });
const schema = {
  nested: {
    externalscaler: {
      nested: {
        ExternalScaler: {
          methods: {
            IsActive: { requestType: "ScaledObjectRef", responseType: "IsActiveResponse" },
            StreamIsActive: { requestType: "ScaledObjectRef", responseType: "IsActiveResponse", responseStream: true },
            GetMetricSpec: { requestType: "ScaledObjectRef", responseType: "GetMetricSpecResponse" },
            GetMetrics: { requestType: "GetMetricsRequest", responseType: "GetMetricsResponse" },
            StreamMetricSpec: {
              requestType: "ScaledObjectRef",
              responseType: "GetMetricSpecResponse",
              responseStream: true,
            },
          },
        },
        ScaledObjectRef: {
          fields: {
            name: string(1),
            namespace: string(2),
            scalerMetadata: { keyType: "string", type: "string", id: 3 },
          },
        },
        IsActiveResponse: { fields: { result: { type: "bool", id: 1 } } },
        GetMetricSpecResponse: { fields: { metricSpecs: { rule: "repeated", type: "MetricSpec", id: 1 } } },
        MetricSpec: {
          fields: {
            metricName: string(1),
            targetSize: { type: "int64", id: 2 },
            targetSizeFloat: { type: "double", id: 3 },
          },
        },
        GetMetricsRequest: { fields: { scaledObjectRef: { type: "ScaledObjectRef", id: 1 }, metricName: string(2) } },
        GetMetricsResponse: { fields: { metricValues: { rule: "repeated", type: "MetricValue", id: 1 } } },
        MetricValue: {
          fields: {
            metricName: string(1),
            metricValue: { type: "int64", id: 2 },
            metricValueFloat: { type: "double", id: 3 },
          },
        },
      },
    },
  },
};

interface ProtoLoader {
  fromJSON(json: object, options: object): Readonly<Record<string, ServiceDefinition>>;
}

/** The service as protobuf's own library codes it. */
export function scalerService(): ServiceDefinition {
  const grpc = createRequire(createRequire(import.meta.url).resolve("@grpc/grpc-js"));
  const loader = grpc("@grpc/proto-loader") as ProtoLoader;
  const service = loader.fromJSON(schema, { longs: Number, defaults: true })["externalscaler.ExternalScaler"];
  if (service === undefined) throw new Error("the schema has no service");
  return service;
}

export interface ScaledObject {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

export interface ScalerHandlers {
  readonly IsActive?: handleUnaryCall<ScaledObject, { readonly result: boolean }>;
  readonly GetMetricSpec?: handleUnaryCall<ScaledObject, { readonly metricSpecs: readonly object[] }>;
  readonly GetMetrics?: handleUnaryCall<
    { readonly scaledObjectRef: ScaledObject; readonly metricName: string },
    { readonly metricValues: readonly object[] }
  >;
  readonly StreamIsActive?: handleServerStreamingCall<ScaledObject, { readonly result: boolean }>;
  readonly StreamMetricSpec?: handleServerStreamingCall<ScaledObject, { readonly metricSpecs: readonly object[] }>;
}

export interface ScalerServer {
  readonly port: number;
  /** Cuts every connection. */
  stop(): void;
}

/** Starts one; calls without a handler are answered with UNIMPLEMENTED. */
export async function startScaler(
  handlers: ScalerHandlers,
  { port = 0, credentials = ServerCredentials.createInsecure(), service = scalerService() } = {},
): Promise<ScalerServer> {
  const server = new Server();
  server.addService(service, { ...handlers });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, number) =>
      error === null ? resolve(number) : reject(error),
    );
  });
  return { port: bound, stop: () => server.forceShutdown() };
}
