import { apiVersionOf, type KubeList, type KubeObject, type Resource } from "#api";
import { type Clock, Failure, isObject } from "#base";
import {
  ApiFailure,
  type ApplyOptions,
  type CallOptions,
  type GetOptions,
  type KubeClient,
  type ListOptions,
  type ObjectKey,
  type PatchKind,
  type RawRequest,
  type WriteOptions,
} from "./client.ts";
import type { KubeConfig } from "./kube-config.ts";
import { queryOf, resourcePath } from "./resource-path.ts";
import { failureOf, parseObject, readText } from "./response-body.ts";
import { systemClock, systemRandom } from "./system-ports.ts";
import { createTransport, type Transport, type TransportPorts } from "./transport.ts";

const CONTENT_TYPE: Readonly<Record<PatchKind | "apply", string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  // JSON is YAML, so the body needs no YAML writer.
  apply: "application/apply-patch+yaml",
};

type AnyWriteOptions = WriteOptions & { readonly force?: boolean };

/** Bounds, hooks and ports of a client; all have defaults. */
export type KubeClientOptions = Partial<TransportPorts>;

/**
 * Opens a client of the API server that the configuration names. Connections are made on demand; `close()` ends them, and
 * with them every stream that is still read.
 */
export function createKubeClient(config: KubeConfig, options: KubeClientOptions = {}): KubeClient {
  const clock = options.clock ?? systemClock;
  const transport = createTransport(config, { ...options, clock, random: options.random ?? systemRandom });
  const server = config.server.replace(/\/+$/, "");
  const asker: Asker = { transport, clock, origin: config.origin };
  const ask = (request: RawRequest, call?: CallOptions): Promise<Record<string, unknown>> =>
    askInTime(asker, request, call);

  return {
    server,
    async get<T extends KubeObject>(resource: Resource, key: ObjectKey, options?: GetOptions) {
      try {
        return decode<T>(
          await ask({ path: resourcePath(resource, { ...key, ...subresourceOf(options) }) }, options),
          resource,
        );
      } catch (thrown) {
        if (isMissingObject(thrown)) return undefined;
        throw thrown;
      }
    },
    async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}) {
      const { namespace, signal: _, timeoutMs: __, beforeSend: ___, ...query } = options;
      const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
      return decodeList<T>(await ask({ path: path + queryOf({ ...query }) }, options), resource);
    },
    async create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions) {
      const { namespace } = object.metadata;
      const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
      const request = write({ method: "POST", path: path + writeQuery(options) }, object);
      return decode<T>(await ask(request, options), resource);
    },
    async update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions) {
      const request = write({ method: "PUT", path: objectPath(resource, object, options) }, object);
      return decode<T>(await ask(request, options), resource);
    },
    async patch<T extends KubeObject>(
      resource: Resource,
      key: ObjectKey,
      patch: { kind: PatchKind; body: unknown; options?: WriteOptions },
    ) {
      const path = resourcePath(resource, { ...key, ...subresourceOf(patch.options) }) + writeQuery(patch.options);
      const request = write({ method: "PATCH", path }, patch.body, CONTENT_TYPE[patch.kind]);
      return decode<T>(await ask(request, patch.options), resource);
    },
    async apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions) {
      const path = objectPath(resource, object, options);
      return decode<T>(await ask(write({ method: "PATCH", path }, object, CONTENT_TYPE.apply), options), resource);
    },
    async delete(resource, key, options = {}) {
      try {
        const { signal: _, timeoutMs: __, beforeSend: ___, ...wishes } = options;
        const body = { apiVersion: "v1", kind: "DeleteOptions", ...wishes };
        await ask(write({ method: "DELETE", path: resourcePath(resource, key) }, body), options);
        return true;
      } catch (thrown) {
        if (isMissingObject(thrown)) return false;
        throw thrown;
      }
    },
    raw: (request) => transport.send(request),
    close: () => transport.close(),
  };
}

interface Asker {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly origin: string | undefined;
}

/** Asks within the call's time; the answer's body counts too. */
async function askInTime(asker: Asker, request: RawRequest, call: CallOptions = {}): Promise<Record<string, unknown>> {
  const { signal, timeoutMs, beforeSend } = call;
  const deadline = new AbortController();
  const cancel = timeoutMs === undefined ? undefined : asker.clock.after(timeoutMs, () => deadline.abort());
  const signals = [...(signal === undefined ? [] : [signal]), ...(timeoutMs === undefined ? [] : [deadline.signal])];
  const sent = {
    ...request,
    ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
    ...(beforeSend === undefined ? {} : { beforeSend }),
  };
  try {
    return await askForObject(asker, sent);
  } catch (thrown) {
    if (!deadline.signal.aborted || signal?.aborted === true) throw thrown;
    throw new Failure(`Cannot wait longer for ${nameOf(request)}: no whole answer within ${timeoutMs} ms`, {
      code: "RequestTimeout",
      retryable: true,
    });
  } finally {
    cancel?.();
  }
}

function nameOf(request: RawRequest): string {
  return `${request.method ?? "GET"} ${request.path.split("?")[0] ?? ""}`;
}

async function askForObject(asker: Asker, request: RawRequest): Promise<Record<string, unknown>> {
  const name = nameOf(request);
  const headers = { accept: "application/json", ...request.headers };
  const response = await asker.transport.send({ ...request, headers });
  let text: string;
  try {
    text = await readText(response.body);
  } catch (cause) {
    request.signal?.throwIfAborted();
    if (cause instanceof Failure) throw cause;
    throw new Failure(`Cannot read the answer to ${name}`, { code: "ServerUnreachable", retryable: true, cause });
  }
  // Who refuses somebody may repeat how they introduced themselves.
  if (response.status >= 400) text = asker.transport.redact(text);
  if (response.status === 401 && asker.origin !== undefined)
    throw failureOf(response.status, text, `${name} as the user of ${asker.origin} (renew its credentials)`);
  if (response.status >= 400) throw failureOf(response.status, text, name);
  return parseObject(text, name);
}

function write(
  target: { readonly method: string; readonly path: string },
  body: unknown,
  contentType = "application/json",
): RawRequest {
  return { ...target, headers: { "content-type": contentType }, body: JSON.stringify(body) };
}

function objectPath(resource: Resource, object: KubeObject, options?: AnyWriteOptions): string {
  const { namespace, name = "" } = object.metadata;
  const parts = { name, ...(namespace === undefined ? {} : { namespace }), ...subresourceOf(options) };
  return resourcePath(resource, parts) + writeQuery(options);
}

function subresourceOf(options: GetOptions | WriteOptions | undefined): { subresource?: string } {
  return options?.subresource === undefined ? {} : { subresource: options.subresource };
}

function writeQuery(options: AnyWriteOptions = {}): string {
  return queryOf({
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
    dryRun: options.dryRun === true ? "All" : undefined,
    force: options.force,
  });
}

/** True when the server knows the kind and says that no such object exists; a kind that is not served stays an error. */
function isMissingObject(thrown: unknown): boolean {
  return thrown instanceof ApiFailure && thrown.httpStatus === 404 && thrown.status?.details?.name !== undefined;
}

function decode<T extends KubeObject>(value: Record<string, unknown>, resource: Resource): T {
  if (!isObject(value.metadata)) throw invalidAnswer(resource, "an object without metadata");
  return value as unknown as T;
}

/** Reads a list and names the kind on each item, which the server leaves out. */
function decodeList<T extends KubeObject>(value: Record<string, unknown>, resource: Resource): KubeList<T> {
  const { items, metadata } = value;
  if (!isObject(metadata)) throw invalidAnswer(resource, "a list without metadata");
  // A list of no items may be null. Source: encoding of Go slices, which the API's servers share.
  const list = Array.isArray(items) ? items : [];
  const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  const objects = list.map((item: unknown) => {
    if (!isObject(item) || !isObject(item.metadata))
      throw invalidAnswer(resource, "a list with an item that is no object");
    return { ...kind, ...item } as unknown as T;
  });
  return { ...value, metadata, items: objects } as unknown as KubeList<T>;
}

function invalidAnswer(resource: Resource, what: string): Failure {
  return new Failure(`Cannot read the API server's answer for ${resource.plural}: received ${what}`, {
    code: "InvalidResponse",
    retryable: true,
  });
}
