import type { Problem } from "#base";
import { invalid } from "../status/status-error.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** What a write may be asked for in its query. */
export interface WriteOptions {
  readonly isDryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly isForced: boolean;
}

const VALIDATIONS = ["Ignore", "Strict", "Warn"] as const;

/**
 * Reads the options of a create, update or patch; `kind` names them in messages (`CreateOptions`, …).
 *
 * @throws StatusError 422 for a value that is not offered.
 */
export function readWriteOptions(query: URLSearchParams, kind: string, userAgent: string): WriteOptions {
  const problems: Problem[] = [];
  const dryRun = query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) problems.push(unsupportedDryRun(dryRun));
  const asked = query.get("fieldValidation") ?? "";
  const fieldValidation = VALIDATIONS.find((value) => value === asked);
  if (asked !== "" && fieldValidation === undefined) problems.push(unsupportedValidation(asked));
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind, name: "" }, problems);
  const agent = userAgent.split("/", 1)[0] ?? "";
  return {
    isDryRun: dryRun.length > 0,
    fieldManager: query.get("fieldManager") ?? (agent === "" ? "unknown" : agent),
    fieldValidation: fieldValidation ?? "Warn",
    isForced: query.get("force") === "true",
  };
}

export function unsupportedDryRun(values: readonly string[]): Problem {
  const shown = `[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`;
  return {
    path: "dryRun",
    code: "FieldValueNotSupported",
    message: `Unsupported value: ${shown}: supported values: "All"`,
  };
}

function unsupportedValidation(value: string): Problem {
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "", "Ignore", "Strict", "Warn"`;
  return { path: "fieldValidation", code: "FieldValueNotSupported", message };
}
