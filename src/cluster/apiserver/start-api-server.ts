import { setMaxListeners } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { builtinKinds } from "#api";
import { type Clock, Failure, type Log, messageOf, type Random } from "#base";
import { systemRandom } from "#kube";
import type { AdmissionReviewer } from "../admission.ts";
import type { MetricApis } from "../metric-apis.ts";
import type { NodeApi } from "../node-api.ts";
import type { Store } from "../store/index.ts";
import type { Pki } from "./auth/pki.ts";
import { createTokens } from "./auth/tokens.ts";
import { handleRequest, type Progress } from "./handle-request.ts";
import { discardBody } from "./request/read-body.ts";
import { type KubeconfigOptions, writeKubeconfig } from "./kubeconfig.ts";
import { type CustomKinds, serveCustomKinds } from "./custom/serve-custom-kinds.ts";
import { createOpenApiDocuments } from "./openapi/openapi-documents.ts";
import { createProtobufDecoder } from "./protobuf/index.ts";
import { createRegistry } from "./registry/registry.ts";
import { sendAnswer } from "./respond/send-answer.ts";
import { seedObjects } from "./seed.ts";
import type { ServerContext } from "./server-context.ts";
import { internalError, StatusError } from "./status/status-error.ts";
import { customMetricsEndpoint } from "./virtual/custom-metrics.ts";
import { externalMetricsEndpoint } from "./virtual/external-metrics.ts";
import { reviewEndpoints } from "./virtual/reviews.ts";
import { usageEndpoints } from "./virtual/usage-metrics.ts";
import { createServiceAddresses, type ServiceNetwork } from "./write/service-addresses.ts";

export interface ApiServerOptions {
  readonly store: Store;
  readonly pki: Pki;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Where the addresses of Services come from. */
  readonly serviceNetwork: ServiceNetwork;
  readonly clock: Clock;
  /** Spreads the ends of watches; the system's when absent. */
  readonly random?: Random;
  readonly log: Log;
}

/** A Kubernetes API server for one machine. */
export interface ApiServer {
  /** Base URL without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Bearer token of the administrator. */
  readonly adminToken: string;
  /** Tells the server who runs the pods: from then on it answers for their logs and usage. */
  attachNode(node: NodeApi): void;
  /** Tells the server who has metrics: from then on it serves the custom and the external ones. */
  attachMetrics(metrics: MetricApis): void;
  /** Tells the server who judges writes: from then on they are asked. */
  attachAdmission(reviewers: readonly AdmissionReviewer[]): void;
  /** Writes a kubeconfig file for the administrator, readable by its owner only. */
  writeKubeconfig(path: string, options?: KubeconfigOptions): Promise<void>;
  /** Ends all watches, then all connections. The store stays open. */
  close(): Promise<void>;
}

/** Source: apiserver and Go's `http.Server.MaxHeaderBytes`. */
const HEADER_LIMIT_BYTES = 64 * 1024;
const HEADER_TIMEOUT_MS = 15_000;
/** Long enough for a client that reuses its connection between two reconciles. */
const KEEP_ALIVE_MS = 120_000;
/** Requests in work that close() waits for before it cuts connections. */
const CLOSE_GRACE_MS = 2_000;

/**
 * Starts the server and fills an empty store with what every cluster has.
 *
 * @throws Failure `PortInUse` that names the address when another process listens there.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, pki, clock, log } = options;
  const closing = new AbortController();
  // Every watch listens for the end; Node takes more than ten for a leak.
  setMaxListeners(0, closing.signal);
  let node: NodeApi | undefined;
  let metrics: MetricApis | undefined;
  let admission: readonly AdmissionReviewer[] = [];
  const registry = createRegistry(builtinKinds);
  registry.addVirtual(reviewEndpoints());
  const context: ServerContext = {
    store,
    registry,
    openApi: createOpenApiDocuments(registry),
    protobuf: createProtobufDecoder(),
    tokens: createTokens(pki.tokenKeyPem, pki.adminToken),
    addresses: createServiceAddresses(options.serviceNetwork),
    clock,
    random: options.random ?? systemRandom,
    log,
    node: () => node,
    metrics: () => metrics,
    admission: () => admission,
    closing: closing.signal,
  };
  const server = createServer(
    { cert: pki.serverCertPem, key: pki.serverKeyPem, maxHeaderSize: HEADER_LIMIT_BYTES, ALPNProtocols: ["http/1.1"] },
    (request, response) => void serveRequest(context, request, response),
  );
  server.headersTimeout = HEADER_TIMEOUT_MS;
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const customKinds = await serveCustomKinds(context);
  const port = await listen(server, options);
  await seedObjects(context, { clusterIP: options.serviceNetwork.serviceAddress(0), port });
  const url = `https://${options.host}:${port}`;
  log.info("API server listens", { url });
  return {
    url,
    port,
    adminToken: pki.adminToken,
    attachNode: (attached) => {
      if (node === undefined) registry.addVirtual(usageEndpoints());
      node = attached;
    },
    attachMetrics: (attached) => {
      if (metrics === undefined) registry.addVirtual([customMetricsEndpoint(context), externalMetricsEndpoint()]);
      metrics = attached;
    },
    attachAdmission: (reviewers) => {
      admission = reviewers;
    },
    writeKubeconfig: (path, kubeconfig) =>
      writeKubeconfig(path, { server: url, caPem: pki.caPem, token: pki.adminToken, ...kubeconfig }),
    close: () => close(server, closing, customKinds),
  };
}

function listen(server: Server, { host, port }: ApiServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (thrown: NodeJS.ErrnoException) => {
      const isTaken = thrown.code === "EADDRINUSE";
      const message = isTaken
        ? `Cannot start the API server: ${host}:${port} is in use by another process; choose another port`
        : `Cannot start the API server on ${host}:${port}`;
      reject(new Failure(message, { code: isTaken ? "PortInUse" : "ListenFailed", cause: thrown }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

async function serveRequest(context: ServerContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const progress: Progress = { format: { media: "json" }, gone: gone.signal };
  const nowMs = context.clock.nowMs();
  response.on("error", () => undefined);
  try {
    const { answer, ...rest } = await handleRequest(context, request, progress);
    await sendAnswer(request, response, { answer, options: { ...rest, nowMs, closing: context.closing } });
  } catch (thrown) {
    await sendError(context, { request, response, progress, thrown });
  }
}

interface Failed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly progress: Progress;
  readonly thrown: unknown;
}

/** Turns what was thrown into a Status. Once an answer has begun, the connection can only be cut. */
async function sendError(context: ServerContext, { request, response, progress, thrown }: Failed): Promise<void> {
  if (response.headersSent || request.socket.destroyed) {
    response.destroy();
    return;
  }
  const error = thrown instanceof StatusError ? thrown : unexpected(context, request, thrown);
  const { code } = error.status;
  if (!request.complete) {
    // What is left of the body would be taken for the next request; and a client that is still sending it would be cut
    // off before it has read why.
    response.setHeader("Connection", "close");
    await discardBody(request);
  }
  const format = { media: progress.format.media };
  const options = { format, includeObject: undefined, nowMs: 0, warnings: [], closing: context.closing };
  await sendAnswer(request, response, { answer: { type: "document", code, document: error.status }, options });
}

function unexpected(context: ServerContext, request: IncomingMessage, thrown: unknown): StatusError {
  if (thrown instanceof Failure && thrown.retryable) {
    return new StatusError({ code: 503, reason: "ServiceUnavailable", message: thrown.message });
  }
  const path = (request.url ?? "").split("?", 1)[0];
  context.log.error("a request failed inside the API server", {
    method: request.method,
    path,
    error: messageOf(thrown),
    stack: thrown instanceof Error ? thrown.stack : undefined,
  });
  return internalError(messageOf(thrown));
}

async function close(server: Server, closing: AbortController, customKinds: CustomKinds): Promise<void> {
  customKinds.stop();
  closing.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
}
