import { decodeProblems, pruneUnknown, type KubeObject, type Schema } from "#api";
import { isObject, type Problem, type Result } from "#base";
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  type ApplyRefusal,
  conflictCause,
  conflictMessage,
  type PatchProblem,
  serverSideApply,
} from "../patch/index.ts";
import type { Endpoint } from "../registry/endpoint.ts";
import { decodeDocument, decodeYaml } from "../request/decode-document.ts";
import type { Body } from "../request/read-body.ts";
import { badRequest, bodyTooLarge, invalid, StatusError, unsupportedMediaType } from "../status/status-error.ts";
import { BODY_LIMIT_BYTES } from "../request/read-body.ts";
import { undecodable, withMetadata } from "./decode-object.ts";
import type { WriteScope } from "./write-scope.ts";

export const APPLY = "application/apply-patch+yaml";
const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";

/** A patch in one of the four languages, read but not yet applied. */
export interface Patch {
  readonly mediaType: string;
  readonly document: unknown;
}

/**
 * Reads the body of a PATCH.
 *
 * @throws StatusError 415 for a language that this kind does not take, 400 when it cannot be read.
 */
export function readPatch(endpoint: Endpoint, body: Body): Patch {
  const accepted =
    endpoint.kind.origin === "crd" ? [JSON_PATCH, MERGE_PATCH, APPLY] : [JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY];
  if (!accepted.includes(body.mediaType)) throw unsupportedMediaType(accepted);
  return {
    mediaType: body.mediaType,
    document: body.mediaType === APPLY ? decodeYaml(body.text) : decodeDocument(body),
  };
}

/** Applies a patch to an object and returns the object that the client wants; a server-side apply may start from nothing. */
export function patchedObject(
  scope: WriteScope,
  patch: Patch,
  input: { live: KubeObject | undefined; warnings: string[] },
): KubeObject {
  if (patch.mediaType === APPLY) return applied(scope, patch, input);
  const { live, warnings } = input;
  if (live === undefined) throw badRequest("a patch needs an object to change");
  const result = changed(scope.endpoint.kind.schema, patch, live);
  if (!result.ok) throw refusedPatch(result.error);
  if (!isObject(result.value)) throw undecodable(scope.endpoint, "the patch leaves no object");
  return checkedFields(scope, result.value, warnings);
}

function changed(schema: Schema, { mediaType, document }: Patch, live: KubeObject): Result<unknown, PatchProblem> {
  if (mediaType === JSON_PATCH) return applyJsonPatch(live, document);
  if (mediaType === MERGE_PATCH) return applyMergePatch(live, document);
  return applyStrategicMergePatch({ schema, document: live, patch: document });
}

function refusedPatch(problem: PatchProblem): StatusError {
  switch (problem.code) {
    case "BadRequest":
      return badRequest(problem.message);
    case "RequestEntityTooLarge":
      return bodyTooLarge(BODY_LIMIT_BYTES);
    case "FieldValueInvalid":
      return invalidPatch([{ ...problem, path: "patch" }]);
    case "Invalid":
      return new StatusError({ code: 422, reason: "Invalid", message: problem.message });
  }
}

/** The real server names no object when the patched text cannot be decoded. */
function invalidPatch(problems: readonly Problem[]): StatusError {
  return invalid({ group: "", kind: "", name: "" }, problems);
}

/** Removes and reports fields that the schema does not know, as decoding the patched text would. */
function checkedFields(scope: WriteScope, value: Record<string, unknown>, warnings: string[]): KubeObject {
  const { schema } = scope.endpoint.kind;
  const pruned = pruneUnknown(schema, value);
  const [wrongType] = decodeProblems(schema, pruned.value);
  if (wrongType !== undefined) throw invalidPatch([unreadable(value, wrongType.message)]);
  const findings = pruned.unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (findings.length > 0 && scope.options.fieldValidation === "Strict") {
    throw invalidPatch([unreadable(value, `strict decoding error: ${findings.join(", ")}`)]);
  }
  if (scope.options.fieldValidation === "Warn") warnings.push(...findings);
  return withMetadata(pruned.value as Record<string, unknown>);
}

function unreadable(value: Record<string, unknown>, finding: string): Problem {
  const inOrder = { ...value, ...(isObject(value["metadata"]) ? { metadata: ordered(value["metadata"]) } : {}) };
  const sorted = Object.fromEntries(Object.entries(inOrder).sort(([a], [b]) => (a < b ? -1 : 1)));
  const shown = JSON.stringify(JSON.stringify(sorted));
  return { path: "patch", code: "FieldValueInvalid", message: `Invalid value: ${shown}: ${finding}` };
}

/** Go writes the metadata in the order of its struct. Source: apimachinery `metav1.ObjectMeta`. */
const METADATA_ORDER = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  "managedFields",
];

function ordered(metadata: Record<string, unknown>): Record<string, unknown> {
  const place = (name: string): number => METADATA_ORDER.indexOf(name) >>> 0;
  return Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => place(a) - place(b)));
}

function applied(
  scope: WriteScope,
  patch: Patch,
  input: { live: KubeObject | undefined; warnings: string[] },
): KubeObject {
  const { schema } = scope.endpoint.kind;
  const { unknown, value } = pruneUnknown(schema, patch.document);
  const findings = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (findings.length > 0 && scope.options.fieldValidation === "Strict") {
    throw undecodable(scope.endpoint, `strict decoding error: ${findings.join(", ")}`);
  }
  if (scope.options.fieldValidation === "Warn") input.warnings.push(...findings);
  const result = serverSideApply({
    schema,
    live: input.live,
    applied: value,
    manager: scope.options.fieldManager,
    force: scope.options.isForced,
    nowIso: scope.nowIso,
    apiVersion: scope.endpoint.apiVersion,
    hasStatus: scope.endpoint.kind.hasStatus,
    ...(scope.subresource === undefined ? {} : { subresource: scope.subresource }),
  });
  if (!result.ok) throw refusedApply(result.error);
  return result.value;
}

function refusedApply(refusal: ApplyRefusal): StatusError {
  if (refusal.kind === "problem") return refusedPatch(refusal.problem);
  return new StatusError({
    code: 409,
    reason: "Conflict",
    message: conflictMessage(refusal.conflicts),
    details: {
      causes: refusal.conflicts.map((found) => ({
        reason: "FieldManagerConflict",
        message: conflictCause(found),
        field: found.field,
      })),
    },
  });
}
