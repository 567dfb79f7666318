import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, isObject, type Log, silentLog } from "#base";
import type { AdmissionReviewer, ApiServer, MetricApis, NodeApi, Store } from "#cluster";

export interface TestApiServerOptions {
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface ApiCall {
  readonly method?: string;
  readonly path: string;
  /** Sent as JSON, unless it is a text, which is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiReply {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The answer as JSON; empty when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** An API server of our own on a free port, with its store in a temporary directory. */
export interface TestApiServer {
  readonly url: string;
  readonly port: number;
  /** Token of the administrator. */
  readonly token: string;
  readonly caPem: string;
  readonly kubeconfigPath: string;
  readonly store: Store;
  attachNode(node: NodeApi): void;
  attachMetrics(metrics: MetricApis): void;
  attachAdmission(reviewers: readonly AdmissionReviewer[]): void;
  /** Sends one request, as the administrator unless the call says otherwise, and reads the whole answer. */
  call(call: ApiCall): Promise<ApiReply>;
  /** Stops the server and starts it again on the same port with the same store, as after a crash. */
  restart(): Promise<void>;
  /** Stops the server and removes its directory. */
  close(): Promise<void>;
}

/**
 * Starts one. Services get addresses that nothing listens on.
 *
 * The cluster is loaded only now: many tests want nothing of this room but the virtual clock, and the cluster is most of
 * the program.
 */
export async function startTestApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const { ensurePki, openStore, startApiServer } = await import("#cluster");
  const { systemClock } = await import("#kube");
  const directory = await mkdtemp(join(tmpdir(), "serin-api-"));
  const pki = await ensurePki(join(directory, "pki"));
  const kubeconfigPath = join(directory, "kubeconfig");
  let { server, store } = await start(0);

  async function start(port: number): Promise<{ server: ApiServer; store: Store }> {
    const log = options.log ?? silentLog;
    const opened = await openStore({ directory: join(directory, "db"), log });
    const started = await startApiServer({
      store: opened,
      pki,
      host: "127.0.0.1",
      port,
      serviceNetwork: {
        addressCount: 2 ** 15 - 2,
        serviceAddress: (index) => `127.9.${128 + ((index + 1) >> 8)}.${(index + 1) & 255}`,
      },
      clock: options.clock ?? systemClock,
      log,
    });
    await started.writeKubeconfig(kubeconfigPath);
    return { server: started, store: opened };
  }

  async function stop(): Promise<void> {
    await server.close();
    await store.close();
  }

  return {
    url: server.url,
    port: server.port,
    token: server.adminToken,
    caPem: pki.caPem,
    kubeconfigPath,
    get store() {
      return store;
    },
    attachNode: (node) => server.attachNode(node),
    attachMetrics: (metrics) => server.attachMetrics(metrics),
    attachAdmission: (reviewers) => server.attachAdmission(reviewers),
    call: (call) => send(call, { port: server.port, caPem: pki.caPem, token: server.adminToken }),
    restart: async () => {
      await stop();
      ({ server, store } = await start(server.port));
    },
    close: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Connection {
  readonly port: number;
  readonly caPem: string;
  readonly token: string;
}

function send(call: ApiCall, { port, caPem, token }: Connection): Promise<ApiReply> {
  const body = call.body === undefined || typeof call.body === "string" ? call.body : JSON.stringify(call.body);
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...call.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      ca: caPem,
      agent: false,
      method: call.method ?? "GET",
      path: call.path,
      headers,
    });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ code: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) }),
      );
    });
    outgoing.end(body);
  });
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    // Plain text, or a stream of events.
    return {};
  }
}
