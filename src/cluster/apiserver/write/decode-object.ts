import { decodeProblems, pruneUnknown, type KubeObject } from "#api";
import { isObject, type Problem } from "#base";
import { byKind, type Endpoint } from "../registry/endpoint.ts";
import { decodeDocument } from "../request/decode-document.ts";
import { type KeyPosition, scanKeys } from "../request/find-duplicate-keys.ts";
import type { Body } from "../request/read-body.ts";
import type { FieldValidation } from "../request/write-options.ts";
import { badRequest, invalid } from "../status/status-error.ts";
import { textAt } from "../read-field.ts";

export interface DecodeInput {
  readonly endpoint: Endpoint;
  readonly body: Body;
  readonly fieldValidation: FieldValidation;
  /** Findings that are not refused are added here. */
  readonly warnings: string[];
}

/**
 * Reads the object of a create or update: decodes the body, fills in a missing kind, removes unknown fields, checks types.
 *
 * @throws StatusError 400 or 422 when the body is no object of this kind, or has unknown or repeated fields under `Strict`.
 */
export function decodeObject(input: DecodeInput): KubeObject {
  const { endpoint, body } = input;
  const document = decodeDocument(body);
  if (!isObject(document))
    throw badRequest(
      `the object provided is unrecognized (must be of type ${endpoint.kind.resource.kind}): ${excerpt(body.text)}`,
    );
  checkKind(endpoint, document, body.text);
  const typed = { ...document, apiVersion: endpoint.apiVersion, kind: endpoint.kind.resource.kind };
  const { value, unknown } = pruneUnknown(endpoint.kind.schema, typed);
  const problems = decodeProblems(endpoint.kind.schema, value);
  if (problems[0] !== undefined) throw undecodable(endpoint, problems[0].message);
  reportFieldErrors(input, unknown);
  return withMetadata(value as Record<string, unknown>);
}

/** Metadata that is missing or null counts as empty. The types of its fields were checked with the rest. */
export function withMetadata(value: Record<string, unknown>): KubeObject {
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {};
  return { ...value, metadata } as unknown as KubeObject;
}

export function undecodable(endpoint: Endpoint, finding: string): Error {
  const { kind, version } = endpoint.kind.resource;
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${finding}`);
}

/** Checks `apiVersion` and `kind`. Built-in kinds may leave them out; custom resources may not. */
function checkKind(endpoint: Endpoint, document: Record<string, unknown>, text: string): void {
  const { apiVersion = "", kind = "" } = document;
  const { resource, origin } = endpoint.kind;
  if (apiVersion === "" && kind === "" && origin === "builtin") return;
  if (kind === "" && origin === "crd") throw badRequest(unrecognized(resource.kind, text));
  if (apiVersion !== "" && apiVersion !== endpoint.apiVersion) {
    const message = `the API version in the data (${textAt(document, "apiVersion")}) does not match the expected API version (${endpoint.apiVersion})`;
    throw badRequest(message);
  }
  if (kind === "" || kind === resource.kind) return;
  if (origin === "builtin") throw undecodable(endpoint, `the kind in the data is ${JSON.stringify(kind)}`);
  const name = textAt(document, "metadata", "name");
  const problem: Problem = {
    path: "kind",
    code: "FieldValueInvalid",
    message: `Invalid value: ${JSON.stringify(kind)}: must be ${resource.kind}`,
  };
  throw invalid({ ...byKind(endpoint, name), kind: textAt(document, "kind") }, [problem]);
}

function unrecognized(kind: string, text: string): string {
  return `the object provided is unrecognized (must be of type ${kind}): Object 'Kind' is missing in '${text}' (${excerpt(text)})`;
}

/** The first bytes, as the real server abbreviates a body. Source: apiserver `handlers.summarizeData`. */
function excerpt(text: string): string {
  return text.length <= EXCERPT_LENGTH ? text : `${text.slice(0, EXCERPT_LENGTH)} ...`;
}

const EXCERPT_LENGTH = 30;

function reportFieldErrors(
  { endpoint, body, fieldValidation, warnings }: DecodeInput,
  unknown: readonly string[],
): void {
  if (fieldValidation === "Ignore") return;
  const findings = fieldErrors(body, unknown);
  if (findings.length === 0) return;
  if (fieldValidation === "Strict") throw undecodable(endpoint, `strict decoding error: ${findings.join(", ")}`);
  warnings.push(...findings);
}

/** Unknown and repeated fields, in the order of the text. */
function fieldErrors(body: Body, unknown: readonly string[]): readonly string[] {
  const isJson = body.mediaType === "" || body.mediaType.endsWith("json");
  if (!isJson) return unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  const { duplicates, offsets } = scanKeys(body.text);
  const found: (KeyPosition & { readonly text: string })[] = [
    ...unknown.map((path) => ({ path, offset: offsets.get(path) ?? 0, text: `unknown field ${JSON.stringify(path)}` })),
    ...duplicates.map(({ path, offset }) => ({ path, offset, text: `duplicate field ${JSON.stringify(path)}` })),
  ];
  return [...new Set(found.sort((a, b) => a.offset - b.offset).map(({ text }) => text))];
}
