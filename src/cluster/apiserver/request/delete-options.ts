import { isObject, type Problem } from "#base";
import { badRequest, invalid } from "../status/status-error.ts";
import { decodeDocument } from "./decode-document.ts";
import type { Body } from "./read-body.ts";
import { unsupportedDryRun } from "./write-options.ts";

export type Propagation = "Foreground" | "Background" | "Orphan";

/** Source: apimachinery `metav1.DeleteOptions`. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagation?: Propagation;
  readonly preconditions: { readonly uid?: string; readonly resourceVersion?: string };
  readonly isDryRun: boolean;
}

const PROPAGATIONS: readonly string[] = ["Foreground", "Background", "Orphan"];

/**
 * Reads the options of a deletion from the body, or from the query when there is no body.
 *
 * @throws StatusError 422 for a value that is not offered, 400 for a body that is no DeleteOptions.
 */
export function readDeleteOptions(query: URLSearchParams, body: Body): DeleteOptions {
  const asked = body.text.trim() === "" ? fromQuery(query) : fromBody(body);
  const { propagationPolicy, orphanDependents, gracePeriodSeconds, preconditions } = asked;
  const dryRun = [...query.getAll("dryRun"), ...(Array.isArray(asked["dryRun"]) ? asked["dryRun"].map(String) : [])];
  check({ propagationPolicy, gracePeriodSeconds, dryRun });
  const propagation =
    typeof propagationPolicy === "string" ? propagationPolicy : orphanDependents === true ? "Orphan" : undefined;
  return {
    ...(typeof gracePeriodSeconds === "number" ? { gracePeriodSeconds } : {}),
    ...(isPropagation(propagation) ? { propagation } : {}),
    preconditions: readPreconditions(preconditions),
    isDryRun: dryRun.length > 0,
  };
}

interface Asked {
  readonly propagationPolicy?: unknown;
  readonly orphanDependents?: unknown;
  readonly gracePeriodSeconds?: unknown;
  readonly preconditions?: unknown;
  readonly dryRun?: unknown;
}

function fromQuery(query: URLSearchParams): Asked {
  const grace = query.get("gracePeriodSeconds");
  const policy = query.get("propagationPolicy");
  return {
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(grace === null ? {} : { gracePeriodSeconds: wholeNumber(grace) }),
    ...(query.get("orphanDependents") === "true" ? { orphanDependents: true } : {}),
  };
}

function wholeNumber(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function fromBody(body: Body): Asked {
  const document = decodeDocument(body);
  if (!isObject(document)) throw badRequest("the body of a delete request must be a DeleteOptions object");
  const { kind } = document;
  if (kind !== undefined && kind !== "DeleteOptions")
    throw badRequest(`decoded object cannot be converted to DeleteOptions: it is a ${JSON.stringify(kind)}`);
  return document;
}

function check(asked: { propagationPolicy: unknown; gracePeriodSeconds: unknown; dryRun: readonly string[] }): void {
  const problems: Problem[] = [];
  const { propagationPolicy, gracePeriodSeconds, dryRun } = asked;
  if (typeof gracePeriodSeconds === "number" && gracePeriodSeconds < 0) {
    const message = `Invalid value: ${gracePeriodSeconds}: must be greater than or equal to 0`;
    problems.push({ path: "gracePeriodSeconds", code: "FieldValueInvalid", message });
  }
  if (propagationPolicy !== undefined && propagationPolicy !== null && !isPropagation(propagationPolicy)) {
    const supported = '"Foreground", "Background", "Orphan", "nil"';
    const message = `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: ${supported}`;
    problems.push({ path: "propagationPolicy", code: "FieldValueNotSupported", message });
  }
  if (dryRun.some((value) => value !== "All")) problems.push(unsupportedDryRun(dryRun));
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions", name: "" }, problems);
}

function isPropagation(value: unknown): value is Propagation {
  return typeof value === "string" && PROPAGATIONS.includes(value);
}

function readPreconditions(value: unknown): DeleteOptions["preconditions"] {
  if (!isObject(value)) return {};
  const { uid, resourceVersion } = value;
  return {
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
  };
}
