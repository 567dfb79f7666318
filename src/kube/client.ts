import type { KubeList, KubeObject, Resource, Status } from "#api";
import { Failure } from "#base";

/** Names one object; `namespace` is absent for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

/** How any call is sent. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Time for the whole call, retries included; then it rejects with a retryable Failure `RequestTimeout`. */
  readonly timeoutMs?: number;
  /** Called right before each sending; what it throws holds the request back and rejects the call. */
  readonly beforeSend?: () => void;
}

export interface GetOptions extends CallOptions {
  /** `scale` answers with a Scale of `autoscaling/v1`. */
  readonly subresource?: "status" | "scale";
}

export interface ListOptions extends CallOptions {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly subresource?: "status" | "scale";
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** How a PATCH body is read. */
export type PatchKind = "json" | "merge" | "strategic";

/**
 * A thin, pooled client of a Kubernetes API server. Every call rejects with an {@link ApiFailure} when the server answers
 * with an error Status, and with a retryable Failure when it cannot be reached.
 */
export interface KubeClient {
  /** Base URL without a trailing slash, for messages. */
  readonly server: string;
  /** Reads one object; `undefined` when it does not exist. */
  get<T extends KubeObject>(resource: Resource, key: ObjectKey, options?: GetOptions): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource, options?: ListOptions): Promise<KubeList<T>>;
  create<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  /** PUT of the whole object (or of its status with `subresource`); 409 when resourceVersion is stale. */
  update<T extends KubeObject>(resource: Resource, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource,
    key: ObjectKey,
    patch: { readonly kind: PatchKind; readonly body: unknown; readonly options?: WriteOptions },
  ): Promise<T>;
  /** Server-side apply; creates the object when it is missing. */
  apply<T extends KubeObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  /** Deletes; `false` when there was nothing to delete. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  /** Any other request: discovery, logs, raw paths. The caller consumes the body. */
  raw(request: RawRequest): Promise<RawResponse>;
  /** Closes the connections. */
  close(): Promise<void>;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** See {@link CallOptions}. */
  readonly beforeSend?: () => void;
  /** The body goes on for long (a watch, a followed log): it takes a connection of its own and has no idle timeout. */
  readonly stream?: boolean;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** The server answered with an error Status. `code` is its reason (`NotFound`, `Conflict`, `Invalid`, …). */
export class ApiFailure extends Failure {
  readonly httpStatus: number;
  readonly status: Status | undefined;

  constructor(message: string, details: { httpStatus: number; reason: string; status?: Status }) {
    super(message, { code: details.reason, retryable: details.httpStatus === 429 || details.httpStatus >= 500 });
    this.name = "ApiFailure";
    this.httpStatus = details.httpStatus;
    this.status = details.status;
  }
}

/** True for the refusal to create something in a namespace that is being deleted. */
export function isNamespaceTerminating(thrown: unknown): boolean {
  if (!(thrown instanceof ApiFailure)) return false;
  return thrown.status?.details?.causes?.some((cause) => cause.reason === "NamespaceTerminating") === true;
}
