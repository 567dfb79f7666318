import type * as grpcModule from "@grpc/grpc-js";
import type { ChannelCredentials, Client, ClientReadableStream } from "@grpc/grpc-js";
import {
  decodeGetMetricSpecResponse,
  decodeGetMetricsResponse,
  decodeIsActiveResponse,
  encodeGetMetricsRequest,
  encodeScaledObjectRef,
  type GetMetricsRequest,
  type MetricSpec,
  type ScaledObjectRef,
} from "./scaler-messages.ts";

/** Given by the one who loads it, with the first trigger of the kind. */
type Grpc = typeof grpcModule;

/** Where a scaler listens, and how one talks to it. */
export interface ScalerAddress {
  /** Of the socket: host and port, or a target with a scheme that gRPC knows. */
  readonly target: string;
  /** The host and port that the user wrote: for the certificate and for proxies that choose by name. */
  readonly authority: string | undefined;
  readonly tls: ScalerTls | undefined;
}

export interface ScalerTls {
  /** PEM; undefined are the authorities that Node knows. */
  readonly caCert: string | undefined;
  readonly client: { readonly certificate: string; readonly key: string } | undefined;
  readonly isUnsafe: boolean;
}

/** A metric's name and a number take some bytes. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
/** A server that is back should be found by the next poll but one; gRPC's own bound is two minutes. */
const RECONNECT_MS_MAX = 10_000;

/** How a stream of a server ended. */
export type StreamEnd = "ended" | "not implemented" | { readonly error: Error };

/** The five calls of `externalscaler.ExternalScaler`. Source: keda-hpa-spec 15.11. */
export class ScalerClient {
  readonly #grpc: Grpc;
  readonly #client: Client;

  /** @throws Error when a certificate or key cannot be read. */
  constructor(grpc: Grpc, { target, authority, tls }: ScalerAddress) {
    this.#grpc = grpc;
    this.#client = new grpc.Client(target, tls === undefined ? grpc.credentials.createInsecure() : secure(grpc, tls), {
      "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      "grpc.service_config_disable_resolution": 1,
      "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
      "grpc.max_reconnect_backoff_ms": RECONNECT_MS_MAX,
      // Connections are shared and counted by the caller; one that is closed must be closed.
      "grpc.use_local_subchannel_pool": 1,
      ...(authority === undefined
        ? {}
        : {
            "grpc.default_authority": authority,
            "grpc.ssl_target_name_override": hostOf(authority),
            // An address of the cluster lies behind no proxy.
            "grpc.enable_http_proxy": 0,
          }),
    });
  }

  getMetricSpec(ref: ScaledObjectRef, signal: AbortSignal): Promise<readonly MetricSpec[]> {
    const call = { method: "GetMetricSpec", encode: encodeScaledObjectRef, decode: decodeGetMetricSpecResponse };
    return this.#ask(call, ref, signal);
  }

  getMetrics(request: GetMetricsRequest, signal: AbortSignal): Promise<readonly number[]> {
    const call = { method: "GetMetrics", encode: encodeGetMetricsRequest, decode: decodeGetMetricsResponse };
    return this.#ask(call, request, signal);
  }

  isActive(ref: ScaledObjectRef, signal: AbortSignal): Promise<boolean> {
    return this.#ask(
      { method: "IsActive", encode: encodeScaledObjectRef, decode: decodeIsActiveResponse },
      ref,
      signal,
    );
  }

  streamIsActive(
    ref: ScaledObjectRef,
    onMessage: (isActive: boolean) => void,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    return this.#listen({ ref, method: "StreamIsActive", decode: decodeIsActiveResponse, onMessage, signal });
  }

  streamMetricSpec(
    ref: ScaledObjectRef,
    onMessage: (specs: readonly MetricSpec[]) => void,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    return this.#listen({ ref, method: "StreamMetricSpec", decode: decodeGetMetricSpecResponse, onMessage, signal });
  }

  close(): void {
    this.#client.close();
  }

  #ask<Q, A>({ method, encode, decode }: Call<Q, A>, request: Q, signal: AbortSignal): Promise<A> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Error("the call was given up"));
      const call = this.#client.makeUnaryRequest(pathOf(method), encode, decode, request, (error, answer) => {
        signal.removeEventListener("abort", cancel);
        if (error !== null) reject(error);
        else if (answer === undefined) reject(new Error("the server gave no answer"));
        else resolve(answer);
      });
      const cancel = () => call.cancel();
      signal.addEventListener("abort", cancel, { once: true });
    });
  }

  #listen<A>({ ref, method, decode, onMessage, signal }: Listening<A>): Promise<StreamEnd> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve("ended");
      const call: ClientReadableStream<A> = this.#client.makeServerStreamRequest(
        pathOf(method),
        encodeScaledObjectRef,
        decode,
        ref,
      );
      const cancel = () => call.cancel();
      signal.addEventListener("abort", cancel, { once: true });
      const end = (how: StreamEnd) => {
        signal.removeEventListener("abort", cancel);
        resolve(how);
      };
      call.on("data", onMessage);
      call.on("end", () => end("ended"));
      call.on("error", (error: Error & { readonly code?: number }) =>
        end(error.code === this.#grpc.status.UNIMPLEMENTED ? "not implemented" : { error }),
      );
    });
  }
}

interface Call<Q, A> {
  readonly method: string;
  readonly encode: (request: Q) => Buffer;
  readonly decode: (bytes: Buffer) => A;
}

interface Listening<A> {
  readonly ref: ScaledObjectRef;
  readonly method: string;
  readonly decode: (bytes: Buffer) => A;
  readonly onMessage: (message: A) => void;
  readonly signal: AbortSignal;
}

function pathOf(method: string): string {
  return `/externalscaler.ExternalScaler/${method}`;
}

function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function secure(grpc: Grpc, { caCert, client, isUnsafe }: ScalerTls): ChannelCredentials {
  return grpc.credentials.createSsl(
    caCert === undefined ? null : Buffer.from(caCert),
    client === undefined ? null : Buffer.from(client.key),
    client === undefined ? null : Buffer.from(client.certificate),
    { rejectUnauthorized: !isUnsafe },
  );
}
