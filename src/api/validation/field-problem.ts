import type { Problem } from "#base";

/**
 * The problems that Kubernetes reports about fields, with its codes and its wording, so that clients which read the
 * causes of a 422 find what they know.
 *
 * Source: apimachinery `util/validation/field` errors; the codes are `metav1.CauseType` values.
 */
export type FieldCode =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueTypeInvalid";

function problem(path: string, code: FieldCode, message: string): Problem {
  return { path, code, message };
}

/** The field is missing; `detail` says which rule asks for it. */
export function requiredField(path: string, detail = ""): Problem {
  return problem(path, "FieldValueRequired", detail === "" ? "Required value" : `Required value: ${detail}`);
}

/** The value breaks a rule; `shown` is the value as Go would print it (see {@link goValue}). */
export function invalidField(path: string, shown: string, detail: string): Problem {
  return problem(path, "FieldValueInvalid", `Invalid value: ${shown}: ${detail}`);
}

/** The value has the wrong type. */
export function wrongType(path: string, shown: string, detail: string): Problem {
  return problem(path, "FieldValueTypeInvalid", `Invalid value: ${shown}: ${detail}`);
}

/** The value is none of the supported ones, which are listed in the order given. */
export function unsupportedField(path: string, value: unknown, supported: readonly unknown[]): Problem {
  const list = supported.map((item) => JSON.stringify(item)).join(", ");
  return problem(path, "FieldValueNotSupported", `Unsupported value: ${goValue(value)}: supported values: ${list}`);
}

/** The value repeats one that must be unique. */
export function duplicateField(path: string, value: unknown): Problem {
  return problem(path, "FieldValueDuplicate", `Duplicate value: ${goValue(value)}`);
}

/** The field may not be set here, or not be changed. */
export function forbiddenField(path: string, detail: string): Problem {
  return problem(path, "FieldValueForbidden", `Forbidden: ${detail}`);
}

/** The text is longer than `maxBytes`. */
export function tooLongField(path: string, maxBytes: number): Problem {
  return problem(path, "FieldValueTooLong", `Too long: may not be more than ${maxBytes} bytes`);
}

/** The list or map has more entries than allowed. */
export function tooManyField(path: string, actualCount: number, maxCount: number): Problem {
  return problem(path, "FieldValueTooMany", `Too many: ${actualCount}: must have at most ${maxCount} items`);
}

/** Writes a value as Go's `%#v` does for what a JSON decoder yields: strings quoted, maps as `map[string]interface {}{…}`. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '"null"';
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goValue).join(", ")}}`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${entries.map(([key, item]) => `${JSON.stringify(key)}:${goValue(item)}`).join(", ")}}`;
}

/** Writes a map of strings as Go does: `map[string]string{"a":"b"}`. */
export function goStringMap(map: Readonly<Record<string, unknown>> | undefined): string {
  if (map === undefined) return "map[string]string(nil)";
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]string{${entries.map(([key, item]) => `${JSON.stringify(key)}:${goValue(item)}`).join(", ")}}`;
}

/** Appends a field to a path: `spec` and `name` give `spec.name`. */
export function childPath(path: string, field: string): string {
  return path === "" ? field : `${path}.${field}`;
}
