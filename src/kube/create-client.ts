import { apiVersionOf, type KubeList, type KubeObject, type Resource } from "#api";
import { type Clock, Failure, isObject, type Random } from "#base";
import {
  ApiFailure,
  type ApplyOptions,
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
import { createTransport, type Transport } from "./transport.ts";

const CONTENT_TYPE: Readonly<Record<PatchKind | "apply", string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  // JSON is YAML, so the body needs no YAML writer.
  apply: "application/apply-patch+yaml",
};

type AnyWriteOptions = WriteOptions & { readonly force?: boolean };

/**
 * Opens a client of the API server that the configuration names. Connections are made on demand; `close()` ends them, and
 * with them every stream that is still read.
 */
export function createKubeClient(
  config: KubeConfig,
  ports: { readonly clock?: Clock; readonly random?: Random } = {},
): KubeClient {
  const transport = createTransport(config, {
    clock: ports.clock ?? systemClock,
    random: ports.random ?? systemRandom,
  });
  const server = config.server.replace(/\/+$/, "");
  const ask = (request: RawRequest): Promise<Record<string, unknown>> => askForObject(transport, request);

  return {
    server,
    async get<T extends KubeObject>(resource: Resource, key: ObjectKey, options?: GetOptions) {
      try {
        return decode<T>(await ask({ path: resourcePath(resource, { ...key, ...options }) }), resource);
      } catch (thrown) {
        if (isMissingObject(thrown)) return undefined;
        throw thrown;
      }
    },
    async list<T extends KubeObject>(resource: Resource, options: ListOptions = {}) {
      const { namespace, ...query } = options;
      const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
      return decodeList<T>(await ask({ path: path + queryOf({ ...query }) }), resource);
    },
    async create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions) {
      const { namespace } = object.metadata;
      const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
      return decode<T>(await ask(write({ method: "POST", path: path + writeQuery(options) }, object)), resource);
    },
    async update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions) {
      return decode<T>(
        await ask(write({ method: "PUT", path: objectPath(resource, object, options) }, object)),
        resource,
      );
    },
    async patch<T extends KubeObject>(
      resource: Resource,
      key: ObjectKey,
      patch: { kind: PatchKind; body: unknown; options?: WriteOptions },
    ) {
      const path = resourcePath(resource, { ...key, ...subresourceOf(patch.options) }) + writeQuery(patch.options);
      return decode<T>(await ask(write({ method: "PATCH", path }, patch.body, CONTENT_TYPE[patch.kind])), resource);
    },
    async apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions) {
      const path = objectPath(resource, object, options);
      return decode<T>(await ask(write({ method: "PATCH", path }, object, CONTENT_TYPE.apply)), resource);
    },
    async delete(resource, key, options = {}) {
      try {
        const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
        await ask(write({ method: "DELETE", path: resourcePath(resource, key) }, body));
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

async function askForObject(transport: Transport, request: RawRequest): Promise<Record<string, unknown>> {
  const name = `${request.method ?? "GET"} ${request.path.split("?")[0] ?? ""}`;
  const response = await transport.send({ ...request, headers: { accept: "application/json", ...request.headers } });
  let text: string;
  try {
    text = await readText(response.body);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(`Cannot read the answer to ${name}`, { code: "ServerUnreachable", retryable: true, cause });
  }
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

function subresourceOf(options: WriteOptions | undefined): { subresource?: string } {
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
