import { isAlias, LineCounter, parseDocument, visit } from "yaml";
import { isObject, messageOf } from "#base";
import { badRequest, unsupportedMediaType } from "../status/status-error.ts";
import type { Body } from "./read-body.ts";
import { yamlDepthBound } from "./yaml-depth.ts";

/** Deeper documents are refused before anything walks them. */
const DEPTH_MAX = 200;
const YAML_TYPES = new Set(["application/yaml", "application/apply-patch+yaml", "text/yaml", "application/x-yaml"]);
/** What creates and updates may be written in, as the real server lists them. */
const ACCEPTED = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/**
 * Reads a body as JSON, or as YAML where the content type says so. A missing content type means JSON.
 *
 * @throws StatusError 400 when it cannot be read, is nested too deeply or carries a prototype key; 415 for other types.
 */
export function decodeDocument(body: Body): unknown {
  const { mediaType, text } = body;
  if (mediaType === "" || mediaType === "application/json" || mediaType.endsWith("+json"))
    return checked(decodeJson(text));
  if (YAML_TYPES.has(mediaType)) return decodeYaml(text);
  throw unsupportedMediaType(ACCEPTED);
}

function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw badRequest(`error decoding the body as JSON: ${messageOf(thrown)}`);
  }
}

/** YAML 1.1 as Kubernetes reads it: `yes` is a boolean, a date is a text. Aliases are refused: they can grow without bound. */
export function decodeYaml(text: string): unknown {
  const json = asJson(text);
  if (json !== undefined) return checked(json.value);
  if (yamlDepthBound(text) > DEPTH_MAX) throw tooDeep();
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: "1.1",
    lineCounter: lines,
    logLevel: "silent",
    customTags: (tags) =>
      tags.filter(
        (tag) =>
          typeof tag === "string" ||
          !["timestamp", "binary", "set", "omap", "pairs"].some((name) => tag.tag.endsWith(`:${name}`)),
      ),
  });
  const [error] = document.errors;
  if (error !== undefined)
    throw badRequest(`error converting YAML to JSON: yaml: ${error.message.split("\n", 1)[0] ?? ""}`);
  visit(document, {
    Alias: (_, node) => {
      if (isAlias(node))
        throw badRequest(`error converting YAML to JSON: yaml: aliases are not accepted, found "*${node.source}"`);
    },
  });
  return checked(document.toJS({ maxAliasCount: 0 }));
}

/** Most clients send JSON where YAML is asked for; it is read faster so. */
function asJson(text: string): { readonly value: unknown } | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    // A YAML map in braces.
    return undefined;
  }
}

function tooDeep(): Error {
  return badRequest(`the body of the request is nested deeper than ${DEPTH_MAX} levels`);
}

function checked(value: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) throw tooDeep();
  if (Array.isArray(value)) for (const item of value) checked(item, depth + 1);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      if (key === "__proto__")
        throw badRequest('the body of the request has the key "__proto__", which is not accepted');
      checked(value[key], depth + 1);
    }
  }
  return value;
}
