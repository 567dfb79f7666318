import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { resolveHttpTarget } from "./http-proxy.ts";
import { readBody } from "./read-body.ts";

export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
  readonly bodyBytesMax: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Sends one request on a connection of its own and reads the answer. Redirects are the caller's matter. */
export function sendRequest(outgoing: OutgoingRequest): Promise<{ status: number; body: Buffer }> {
  const target = resolveHttpTarget(outgoing.url, outgoing.env);
  const timeout = AbortSignal.timeout(outgoing.timeoutMs);
  const signal = outgoing.signal === undefined ? timeout : AbortSignal.any([timeout, outgoing.signal]);
  return new Promise((resolve, reject) => {
    const fail = (thrown: Error): void =>
      reject(timeout.aborted ? new Error(`no answer within ${outgoing.timeoutMs} ms`) : thrown);
    const send = target.isTls ? requestHttps : requestHttp;
    const request = send(
      {
        method: outgoing.method,
        host: target.host,
        port: target.port,
        path: target.path,
        headers: { ...outgoing.headers, host: target.authority, connection: "close" },
        agent: false,
        signal,
        // The servers asked are pods and probes of this machine, with certificates of their own making.
        ...(target.isTls ? { rejectUnauthorized: false } : {}),
      },
      (response) => {
        readBody(response, outgoing.bodyBytesMax).then(
          (body) => resolve({ status: response.statusCode ?? 0, body }),
          fail,
        );
      },
    );
    request.on("error", fail);
    request.end(outgoing.body);
  });
}
