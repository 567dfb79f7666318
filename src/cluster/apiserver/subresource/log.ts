import { Failure, isObject } from "#base";
import type { LogQuery, NodeApi } from "../../node-api.ts";
import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf } from "../registry/endpoint.ts";
import type { Answer, Sink } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import { badRequest, methodNotAllowed, notFound, StatusError } from "../status/status-error.ts";
import { textAt } from "../read-field.ts";

/** The answer begins when the log does, or after this time, so that a follower of a silent container is not left waiting. */
const FIRST_CHUNK_MS = 250;

/** Streams a container's log from the node that runs the pod. */
export async function handleLog(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  if (method !== "GET") throw methodNotAllowed();
  const query = readLogQuery(context, request);
  const node = context.node();
  const stop = new AbortController();
  // A pod that no node has taken has not written anything.
  if (query === undefined || node === undefined) return plain("");
  const chunks = openLog(node, query, stop.signal)[Symbol.asyncIterator]();
  request.gone.addEventListener("abort", () => stop.abort(), { once: true });
  const first = chunks.next();
  await firstOrLater(context, first, query);
  return {
    type: "stream",
    contentType: "text/plain",
    run: (sink) => copy(sink, { first, chunks, stop }),
  };
}

function openLog(node: NodeApi, query: LogQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return node.logs(query, signal);
}

/** Waits a little for the first part of the log, because until then a failure can still be told as one. */
async function firstOrLater(context: ServerContext, first: Promise<unknown>, query: LogQuery): Promise<void> {
  const later = new Promise<void>((resolve) => context.clock.after(FIRST_CHUNK_MS, resolve));
  try {
    await Promise.race([first, later]);
  } catch (thrown) {
    throw logFailure(thrown, query);
  }
}

function logFailure(thrown: unknown, query: LogQuery): unknown {
  if (!(thrown instanceof Failure)) return thrown;
  const container = JSON.stringify(query.container ?? "");
  const pod = JSON.stringify(query.pod);
  if (thrown.code === "ContainerCreating")
    return badRequest(`container ${container} in pod ${pod} is waiting to start: ContainerCreating`);
  if (thrown.code === "NotFound" && query.previous)
    return badRequest(`previous terminated container ${container} in pod ${pod} not found`);
  if (thrown.code === "NotFound") return badRequest(`container ${container} in pod ${pod} is not available`);
  return new StatusError({ code: 500, reason: "InternalError", message: thrown.message });
}

interface Copying {
  readonly first: Promise<IteratorResult<Uint8Array>>;
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly stop: AbortController;
}

async function copy(sink: Sink, { first, chunks, stop }: Copying): Promise<void> {
  const leave = (): void => stop.abort();
  sink.gone.addEventListener("abort", leave, { once: true });
  if (sink.gone.aborted) leave();
  try {
    for (let next = await first; next.done !== true && !sink.gone.aborted; next = await chunks.next()) {
      sink.write(next.value);
      await sink.drained();
    }
  } catch (thrown) {
    // The reader has left, and the node stopped because of it.
    if (!sink.gone.aborted) throw thrown;
  } finally {
    sink.gone.removeEventListener("abort", leave);
    stop.abort();
    await chunks.return?.();
  }
}

function plain(text: string): Answer {
  return { type: "text", code: 200, text, contentType: "text/plain" };
}

/** Reads what is asked for; undefined while the pod has no node. */
function readLogQuery({ store, clock }: ServerContext, { endpoint, target, query }: ApiRequest): LogQuery | undefined {
  const { namespace = "", name: pod = "" } = target;
  const stored = store.get(pathOf(endpoint, namespace, pod));
  if (stored === undefined) throw notFound(byResource(endpoint, pod));
  const spec = isObject(stored.object.spec) ? stored.object.spec : {};
  const container = chooseContainer(spec, pod, query.get("container"));
  if ((spec["nodeName"] ?? "") === "") return undefined;
  const tailLines = countFrom(query, "tailLines");
  const sinceSeconds = countFrom(query, "sinceSeconds");
  const limitBytes = countFrom(query, "limitBytes");
  return {
    namespace,
    pod,
    container,
    follow: query.get("follow") === "true",
    previous: query.get("previous") === "true",
    timestamps: query.get("timestamps") === "true",
    ...(tailLines === undefined ? {} : { tailLines }),
    ...sinceFrom(query, sinceSeconds, clock.nowMs()),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

function sinceFrom(query: URLSearchParams, sinceSeconds: number | undefined, nowMs: number): { sinceMs?: number } {
  if (sinceSeconds !== undefined) return { sinceMs: nowMs - sinceSeconds * 1000 };
  const sinceTime = Date.parse(query.get("sinceTime") ?? "");
  return Number.isNaN(sinceTime) ? {} : { sinceMs: sinceTime };
}

function countFrom(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function chooseContainer(spec: Record<string, unknown>, pod: string, asked: string | null): string {
  const main = namesOf(spec["containers"]);
  const init = namesOf(spec["initContainers"]);
  if (asked !== null && asked !== "") {
    if (![...main, ...init].includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${pod}`);
    return asked;
  }
  const [only, ...others] = main;
  if (only !== undefined && others.length === 0) return only;
  const inits = init.length === 0 ? "" : ` or one of the init containers: [${init.join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${pod}, choose one of: [${main.join(" ")}]${inits}`);
}

function namesOf(containers: unknown): readonly string[] {
  return Array.isArray(containers) ? containers.filter(isObject).map((container) => textAt(container, "name")) : [];
}
