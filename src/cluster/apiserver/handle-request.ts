import type { IncomingMessage } from "node:http";
import { authenticate } from "./auth/authenticate.ts";
import { authorize } from "./auth/authorize.ts";
import { impersonate } from "./auth/impersonate.ts";
import { handlePath, notAPath } from "./discovery/handle-path.ts";
import { type Format, negotiate } from "./request/negotiate.ts";
import { parseTarget, type ResourceTarget } from "./request/parse-target.ts";
import { readBody } from "./request/read-body.ts";
import { verbOf } from "./request/verb-of.ts";
import type { Answer } from "./respond/answer.ts";
import type { ServerContext } from "./server-context.ts";
import { unknownResource } from "./status/status-error.ts";
import type { Endpoint } from "./registry/endpoint.ts";
import { handleResource } from "./verbs/handle-resource.ts";

/** A request whose stages have run: its answer, and what is needed to send it. */
export interface Handled {
  readonly answer: Answer;
  readonly format: Format;
  readonly includeObject: string | undefined;
  readonly warnings: readonly string[];
}

/** What the pipeline has found out so far; kept outside of it so that a refusal, too, goes out in the negotiated form. */
export interface Progress {
  format: Format;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
}

/**
 * The pipeline of a request. The order is part of the contract:
 *
 * 1. *parse* the URL: all later stages need to know what is asked for.
 * 2. *authenticate*: strangers are turned away before anything is read for them.
 * 3. *authorize*: nothing is told about objects, not even that they are missing, to who may not see them.
 * 4. *negotiate* the form of the answer: a client that cannot read the answer must not change anything.
 * 5. *read* the body, which is bounded: only of those who may send it.
 * 6. *decode, admit, store*: by verb, the writes inside one transaction.
 *
 * Rendering and sending the answer is the caller's.
 */
export async function handleRequest(
  context: ServerContext,
  request: IncomingMessage,
  progress: Progress,
): Promise<Handled> {
  const method = request.method ?? "GET";
  const url = new URL(request.url ?? "/", "https://localhost");
  const target = parseTarget(url.pathname);
  const user = impersonate(
    request.headers,
    authenticate(request.headers, { ...context, nowMs: context.clock.nowMs() }),
  );
  authorize(context.store, user, { verb: verbOf(method, target, url.searchParams), target });
  const host = request.headers.host ?? "localhost";
  const { accept } = request.headers;
  const warnings: string[] = [];
  const includeObject = url.searchParams.get("includeObject") ?? undefined;
  if (target.type === "path") {
    const answer = handlePath(context, { method, path: target.path, accept, host });
    return { answer, format: { media: "json" }, includeObject, warnings };
  }
  const endpoint = findEndpoint(context, target);
  if (endpoint === undefined) return { answer: notAPath(), format: progress.format, includeObject, warnings };
  progress.format = negotiate(accept);
  const body = await readBody(request, context.protobuf);
  const answer = await handleResource(
    context,
    {
      endpoint,
      target,
      query: url.searchParams,
      user,
      userAgent: request.headers["user-agent"] ?? "",
      format: progress.format,
      body,
      warnings,
      gone: progress.gone,
    },
    method,
  );
  return { answer, format: progress.format, includeObject, warnings };
}

/** Finds the kind that a URL names; undefined when not even its group is known. */
function findEndpoint({ registry }: ServerContext, target: ResourceTarget): Endpoint | undefined {
  const { group, version, plural, namespace } = target;
  if (!registry.hasGroup(group)) return undefined;
  const endpoint = registry.find(group, version, plural);
  if (endpoint === undefined) throw unknownResource();
  if (endpoint.listed !== undefined) return endpoint;
  const { namespaced } = endpoint.kind.resource;
  if (!namespaced && namespace !== undefined) throw unknownResource();
  if (namespaced && namespace === undefined && target.name !== undefined) throw unknownResource();
  return endpoint;
}
