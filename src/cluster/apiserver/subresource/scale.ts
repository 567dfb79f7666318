import { formatSelector, type KubeObject, type LabelSelector, type ScalePaths } from "#api";
import { isObject } from "#base";
import type { ApiRequest } from "../request/api-request.ts";
import { byResource, pathOf, serve } from "../registry/endpoint.ts";
import { decodeDocument } from "../request/decode-document.ts";
import { readWriteOptions } from "../request/write-options.ts";
import type { Answer } from "../respond/answer.ts";
import type { ServerContext } from "../server-context.ts";
import {
  badRequest,
  conflict,
  invalid,
  methodNotAllowed,
  notFound,
  unsupportedMediaType,
} from "../status/status-error.ts";
import { applyJsonPatch, applyMergePatch } from "../patch/index.ts";
import { replaceObject } from "../write/replace-object.ts";
import { secondsIso, type WriteScope } from "../write/write-scope.ts";

/** The count of replicas of any kind that has one, in one form for all. Source: `autoscaling/v1` Scale. */
export async function handleScale(context: ServerContext, request: ApiRequest, method: string): Promise<Answer> {
  const { endpoint, target } = request;
  const paths = endpoint.kind.scale;
  if (paths === undefined) throw notFound(byResource(endpoint, target.name ?? ""));
  if (method === "GET") return answer(scaleOf(find(context, request), paths));
  if (method !== "PUT" && method !== "PATCH") throw methodNotAllowed();
  const scope: WriteScope = {
    context,
    endpoint,
    namespace: target.namespace ?? "",
    subresource: "scale",
    options: readWriteOptions(request.query, method === "PUT" ? "UpdateOptions" : "PatchOptions", request.userAgent),
    warnings: request.warnings,
    nowIso: secondsIso(context.clock.nowMs()),
  };
  const changed = await context.store.transact((transaction) => {
    const stored = transaction.get(pathOf(endpoint, scope.namespace, target.name ?? ""));
    if (stored === undefined) throw notFound(byResource(endpoint, target.name ?? ""));
    const live = serve(endpoint, stored).object;
    const wanted = wantedScale(request, method, scaleOf(live, paths));
    const next = withReplicas(live, paths.specReplicasPath, replicasOf(wanted, live, request));
    return replaceObject(scope, transaction, { stored, next, isApply: false }).object;
  });
  return answer(scaleOf(changed, paths));
}

function answer(scale: Scale): Answer {
  return { type: "document", code: 200, document: scale };
}

interface Scale {
  readonly kind: "Scale";
  readonly apiVersion: "autoscaling/v1";
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: { readonly replicas?: number };
  readonly status: { readonly replicas: number; readonly selector?: string };
}

function find(context: ServerContext, { endpoint, target }: ApiRequest): KubeObject {
  const stored = context.store.get(pathOf(endpoint, target.namespace ?? "", target.name ?? ""));
  if (stored === undefined) throw notFound(byResource(endpoint, target.name ?? ""));
  return serve(endpoint, stored).object;
}

function scaleOf(object: KubeObject, paths: ScalePaths): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = valueAt(object, paths.specReplicasPath);
  const selector = selectorAt(object, paths.labelSelectorPath);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: typeof replicas === "number" && replicas > 0 ? { replicas } : {},
    status: {
      replicas: Number(valueAt(object, paths.statusReplicasPath) ?? 0),
      ...(selector === undefined ? {} : { selector }),
    },
  };
}

function selectorAt(object: KubeObject, path: string | undefined): string | undefined {
  // Built-in kinds keep a selector; custom ones publish its text.
  const value = path === undefined ? undefined : valueAt(object, path);
  if (typeof value === "string") return value;
  return isObject(value) ? formatSelector(value as LabelSelector) : undefined;
}

function valueAt(object: KubeObject, path: string): unknown {
  let value: unknown = object;
  for (const field of fieldsOf(path)) value = isObject(value) ? value[field] : undefined;
  return value;
}

/** A path is dotted field names: `.spec.replicas`. Source: apiextensions `CustomResourceSubresourceScale`. */
function fieldsOf(path: string): readonly string[] {
  return path.split(".").filter((field) => field !== "");
}

function withReplicas(object: KubeObject, path: string, replicas: number): KubeObject {
  const set = (value: unknown, [field, ...rest]: readonly string[]): unknown => {
    if (field === undefined) return replicas;
    const fields = isObject(value) ? value : {};
    return { ...fields, [field]: set(fields[field], rest) };
  };
  // The path leads into the spec, so that the object stays one.
  return set(object, fieldsOf(path)) as KubeObject;
}

function wantedScale({ body }: ApiRequest, method: string, current: Scale): unknown {
  const document = decodeDocument(
    body.mediaType.endsWith("patch+yaml") ? { ...body, mediaType: "application/yaml" } : body,
  );
  if (method === "PUT") return document;
  // A zero is left out of the text, and a patch may speak of it.
  const full = { ...current, spec: { replicas: current.spec.replicas ?? 0 } };
  const result =
    body.mediaType === "application/json-patch+json"
      ? applyJsonPatch(full, document)
      : mergedScale(body.mediaType, full, document);
  if (!result.ok) throw badRequest(result.error.message);
  return result.value;
}

const MERGING = [
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

/** Scale has no lists, so that the three merging languages mean the same. */
function mergedScale(mediaType: string, scale: object, patch: unknown): ReturnType<typeof applyMergePatch> {
  if (!MERGING.includes(mediaType)) throw unsupportedMediaType(["application/json-patch+json", ...MERGING]);
  return applyMergePatch(scale, patch);
}

function replicasOf(scale: unknown, live: KubeObject, { endpoint }: ApiRequest): number {
  const spec = isObject(scale) && isObject(scale["spec"]) ? scale["spec"] : {};
  const metadata = isObject(scale) && isObject(scale["metadata"]) ? scale["metadata"] : {};
  const { resourceVersion } = metadata;
  const name = live.metadata.name ?? "";
  if (
    typeof resourceVersion === "string" &&
    resourceVersion !== "" &&
    resourceVersion !== live.metadata.resourceVersion
  ) {
    throw conflict(
      byResource(endpoint, name),
      "the object has been modified; please apply your changes to the latest version and try again",
    );
  }
  const replicas = spec["replicas"] ?? 0;
  if (typeof replicas !== "number" || !Number.isInteger(replicas)) {
    throw badRequest(
      `Scale in version "v1" cannot be handled as a Scale: spec.replicas must be a whole number, received ${JSON.stringify(replicas)}`,
    );
  }
  if (replicas >= 0) return replicas;
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  throw invalid({ group: "autoscaling", kind: "Scale", name }, [
    { path: "spec.replicas", code: "FieldValueInvalid", message },
  ]);
}
